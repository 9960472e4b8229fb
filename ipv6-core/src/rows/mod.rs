//! The lists of the crate, as macros: one row for each control message, socket option, set of flags and platform.
//!
//! A list is a macro that hands its rows to another macro. That one makes what is needed of them: a structure with a
//! field for each row, a constant for each row, a test for each row. So a fact stands in one row and nowhere else, and
//! what is made of the rows stays complete.

mod messages;
mod options;
mod platforms;

pub(crate) use messages::{for_each_delivery, for_each_message};
