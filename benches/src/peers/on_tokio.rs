//! The same work inside tokio's event loop: this library, hand-written libc calls in `async_io`, and tokio's own socket.
//!
//! All have a runtime of one thread. A program's repetitions run in one future, so entering the runtime is not measured.

use std::io;
use std::net::SocketAddr;

use ipv6_std::tokio::PacketConn;
use ipv6_std::{Outgoing, RecvBatch, SendBatch, SendControl};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::runtime::{Builder, Runtime};

use super::{Peer, Program, by_hand, ours};
use crate::ends::Ends;
use crate::work::{Way, Work, check_payload, on_a_page, payload};

/// A program of futures.
trait Async {
    async fn send(&mut self);
    async fn receive(&mut self);
}

struct OnTokio<A> {
    runtime: Runtime,
    program: A,
}

impl<A: Async> Peer for OnTokio<A> {
    fn send(&mut self) {
        self.runtime.block_on(self.program.send());
    }

    fn receive(&mut self) {
        self.runtime.block_on(self.program.receive());
    }

    fn repeat(&mut self, times: usize) {
        self.runtime.block_on(async {
            for _ in 0..times {
                self.program.send().await;
                self.program.receive().await;
            }
        });
    }
}

pub(super) fn peer(program: Program, work: Work, ends: Ends) -> io::Result<Box<dyn Peer>> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    let registered = |socket: &std::net::UdpSocket| {
        let socket = socket.try_clone()?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    };
    let (sender, receiver) = ends.sockets();
    let (sender, receiver) = (registered(sender)?, registered(receiver)?);
    drop(entered);
    fn boxed<A: Async + 'static>(runtime: Runtime, program: A) -> Box<dyn Peer> {
        Box::new(OnTokio { runtime, program })
    }
    for_flags!(work.control, FLAGS => Ok(match (program, work.way) {
        (Program::Tokio, _) => {
            let (payload, room) = (on_a_page(payload(0, work.size)), on_a_page(vec![0; work.size.max(64)]));
            boxed(runtime, Plain { sender, receiver, ends, payload, room })
        }
        (Program::ByHand | Program::Again, Way::Single) => {
            boxed(runtime, ByHand { sender, receiver, calls: by_hand::Single::<FLAGS, false>::new(work, ends) })
        }
        (Program::ByHand | Program::Again, _) => {
            boxed(runtime, ByHandBatch { sender, receiver, calls: by_hand::Batch::<FLAGS>::new(work, ends) })
        }
        _ => {
            let ends = OursEnds { sender: PacketConn::new(sender)?, receiver: PacketConn::new(receiver)?, ends };
            let control = ours::control(work.control, &ends.ends);
            if work.way == Way::Single {
                let (payload, room) = (on_a_page(payload(0, work.size)), on_a_page(vec![0; work.size.max(64)]));
                return Ok(boxed(runtime, Ours::<FLAGS> { ends, control, payload, room }));
            }
            ends.sender.set_send_coalescing(program != Program::EachByItself);
            ends.receiver.set_receive_coalescing(program == Program::Coalescing)?;
            let payloads: Vec<&'static [u8]> =
                (0..work.count).map(|number| &*payload(number, work.size).leak()).collect();
            let to = Some(ends.ends.to);
            boxed(runtime, OursBatch::<FLAGS> {
                messages: payloads.iter().map(|payload| Outgoing::new(payload, control, to)).collect(),
                payloads,
                ends,
                send: SendBatch::new(work.count),
                receive: RecvBatch::new(work.count),
                room: vec![[0; 64]; work.count],
            })
        }
    }))
}

/// tokio's socket, which has no control messages.
struct Plain {
    sender: UdpSocket,
    receiver: UdpSocket,
    ends: Ends,
    payload: &'static [u8],
    room: &'static mut [u8],
}

impl Async for Plain {
    async fn send(&mut self) {
        let sent = self.sender.send_to(self.payload, SocketAddr::V6(self.ends.to)).await;
        assert_eq!(sent.unwrap(), self.payload.len());
    }

    async fn receive(&mut self) {
        let (len, source) = self.receiver.recv_from(self.room).await.unwrap();
        check_payload(&self.room[..len], self.payload);
        assert_eq!(source, self.ends.from.into());
    }
}

/// The result of a system call, or its error.
fn checked(result: isize) -> io::Result<isize> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

struct ByHand<const FLAGS: u32> {
    sender: UdpSocket,
    receiver: UdpSocket,
    calls: by_hand::Single<FLAGS, false>,
}

impl<const FLAGS: u32> Async for ByHand<FLAGS> {
    async fn send(&mut self) {
        let calls = &self.calls;
        let sent = self.sender.async_io(Interest::WRITABLE, || checked(calls.send_once())).await;
        calls.check_sent(sent.unwrap());
    }

    async fn receive(&mut self) {
        let calls = &mut self.calls;
        let len = self.receiver.async_io(Interest::READABLE, || checked(calls.receive_once())).await;
        calls.check(len.unwrap());
    }
}

struct ByHandBatch<const FLAGS: u32> {
    sender: UdpSocket,
    receiver: UdpSocket,
    calls: by_hand::Batch<FLAGS>,
}

impl<const FLAGS: u32> Async for ByHandBatch<FLAGS> {
    async fn send(&mut self) {
        let calls = &mut self.calls;
        let sent = self.sender.async_io(Interest::WRITABLE, || checked(calls.send_once())).await;
        calls.check_sent(sent.unwrap());
    }

    async fn receive(&mut self) {
        let (calls, mut seen) = (&mut self.calls, 0);
        while seen < calls.count() {
            let receive = || checked(calls.receive_once(seen));
            let got = self.receiver.async_io(Interest::READABLE, receive).await;
            seen = calls.check(got.unwrap(), seen);
        }
    }
}

struct OursEnds {
    sender: PacketConn,
    receiver: PacketConn,
    ends: Ends,
}

struct Ours<const FLAGS: u32> {
    ends: OursEnds,
    control: SendControl<'static>,
    payload: &'static [u8],
    room: &'static mut [u8],
}

impl<const FLAGS: u32> Async for Ours<FLAGS> {
    async fn send(&mut self) {
        let Self { ends, control, payload, .. } = self;
        assert_eq!(ends.sender.send_to(payload, control, ends.ends.to).await.unwrap(), payload.len());
    }

    async fn receive(&mut self) {
        let got = self.ends.receiver.recv_from(self.room).await;
        let got = got.as_ref().unwrap();
        check_payload(&self.room[..got.len], self.payload);
        ours::check::<FLAGS>(got, &self.ends.ends);
    }
}

struct OursBatch<const FLAGS: u32> {
    ends: OursEnds,
    payloads: Vec<&'static [u8]>,
    messages: Vec<Outgoing<'static>>,
    send: SendBatch,
    receive: RecvBatch,
    room: Vec<[u8; 64]>,
}

impl<const FLAGS: u32> Async for OursBatch<FLAGS> {
    async fn send(&mut self) {
        let sent = self.ends.sender.send_batch(&mut self.send, &self.messages).await;
        assert_eq!(sent.unwrap(), self.messages.len());
    }

    async fn receive(&mut self) {
        let mut payloads = self.payloads.iter();
        while payloads.len() > 0 {
            let room = &mut self.room[..payloads.len()];
            self.ends.receiver.recv_batch(&mut self.receive, room).await.unwrap();
            let mut room = room.iter();
            for got in self.receive.iter() {
                let got = got.as_ref().unwrap();
                check_payload(&room.next().unwrap()[..got.len], payloads.next().unwrap());
                ours::check::<FLAGS>(got, &self.ends.ends);
            }
        }
    }
}
