//! Windows: the calls of Winsock, and the structures that they take.

pub(crate) mod addresses;
mod calls;
mod header;
pub(crate) mod interface;
/// The calls that tests replace on Unix.
pub(crate) mod kernel {
    pub(crate) use rustix::event::poll;
    pub(crate) use rustix::net::getsockname;
    pub(crate) use rustix::net::sockopt::socket_type;
}
mod socket;

pub(crate) use addresses::list;
pub(crate) use calls::*;
pub(crate) use header::*;
pub(crate) use interface::{index_of, name_of};
pub(crate) use socket::*;
