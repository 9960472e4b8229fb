//! Windows: the calls of Winsock, and the structures that they take.

pub(crate) mod addresses;
mod calls;
mod header;
pub(crate) mod interface;
mod socket;

pub(crate) use addresses::list;
pub(crate) use calls::*;
pub(crate) use header::*;
pub(crate) use socket::*;
