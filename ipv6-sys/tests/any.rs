//! Waits for several sockets.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use ipv6_sys::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use ipv6_sys::message::{self, ControlBuffer, ControlSpace, IoSliceMut, MessageFlags};
use ipv6_sys::wait::{Changes, Events, MAX_SOCKETS, Ready, Waiting, any};
use ipv6_sys::{Errno, option, socket};

ipv6_testnet::tests! {
    [Namespace] each_ready_socket_is_reported;
    [Namespace] a_wait_for_no_socket_or_too_many_is_refused;
    [Namespace] every_datagram_ends_a_wait;
    [Namespace] an_error_that_nobody_takes_ends_two_waits;
    [Namespace] errors_that_are_taken_are_all_reported;
    [Namespace] a_socket_that_is_always_ready_hides_no_error;
    [Namespace] a_wait_for_errors_only_ignores_datagrams;
    [Namespace] what_is_waited_for_can_change;
    [Namespace] an_error_takes_no_change_with_it;
    [Namespace] changes_can_be_waited_for;
    [] descriptors_are_numbers_and_back;
}

const MOMENT: Option<Duration> = Some(Duration::from_millis(10));

fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A socket that queues errors.
fn with_errors() -> (UdpSocket, SocketAddr) {
    let (socket, address) = bound();
    option::QUEUE_ERRORS.set(&socket, true).unwrap();
    (socket, address)
}

/// Puts an error into the queue. No other error is pending after it.
fn queue_error(socket: &UdpSocket) {
    let (nobody, address) = bound();
    drop(nobody);
    socket.send_to(b"x", address).unwrap();
    // On a busy machine, the kernel delivers the error after the call.
    let answers = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(1));
        socket.recv(&mut [0; 8]).unwrap_err().kind()
    });
    let error = answers.take(5000).find(|kind| *kind != ErrorKind::WouldBlock);
    assert_eq!(error, Some(ErrorKind::ConnectionRefused));
}

/// Takes the errors of the queue, and returns how many there were.
fn take_errors(socket: &UdpSocket) -> usize {
    let mut count = 0;
    loop {
        let mut buffer = ControlBuffer::<256>::new();
        let mut payload = [0; 8];
        let mut parts = [IoSliceMut::new(&mut payload)];
        match message::receive(
            socket,
            &mut parts,
            &mut ControlSpace::from(&mut buffer),
            MessageFlags::ERROR_QUEUE,
        ) {
            Ok(_) => count += 1,
            Err(errno) => {
                assert_eq!(errno, Errno::AGAIN);
                return count;
            }
        }
    }
}

fn each_ready_socket_is_reported() {
    let ((a, to_a), (b, _), (c, to_c)) = (bound(), bound(), bound());
    let mut waiting = [&a, &b, &c].map(|socket| Waiting::new(socket, Ready::Receive));
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    assert!(waiting.iter().all(|waiting| !waiting.is_ready()));
    b.send_to(b"x", to_a).unwrap();
    assert_eq!(any(&mut waiting, None), Ok(1));
    b.send_to(b"x", to_c).unwrap();
    assert_eq!(any(&mut [Waiting::new(&c, Ready::Receive)], None), Ok(1));
    assert_eq!(any(&mut waiting, Some(Duration::MAX)), Ok(2));
    let readable = Events::READABLE;
    assert_eq!(waiting.each_ref().map(Waiting::events), [readable, Events::empty(), readable]);
    a.recv(&mut [0; 8]).unwrap();
    c.recv(&mut [0; 8]).unwrap();
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    assert!(waiting.iter().all(|waiting| !waiting.is_ready()));
    let both = [Waiting::new(&a, Ready::Receive), Waiting::new(&b, Ready::Send)];
    let mut both = both;
    assert_eq!(any(&mut both, None), Ok(1));
    assert_eq!(both[1].events(), Events::WRITABLE);
}

fn a_wait_for_no_socket_or_too_many_is_refused() {
    assert_eq!(any(&mut [], MOMENT), Err(Errno::INVAL));
    let (socket, _) = bound();
    let mut waiting: Vec<_> = (0..=MAX_SOCKETS).map(|_| Waiting::new(&socket, Ready::Send)).collect();
    assert_eq!(any(&mut waiting, MOMENT), Err(Errno::INVAL));
    assert_eq!(any(&mut waiting[1..], None), Ok(MAX_SOCKETS));
}

fn every_datagram_ends_a_wait() {
    let (socket, to) = with_errors();
    let (sender, _) = bound();
    let mut waiting = [Waiting::new(&socket, Ready::Receive)];
    // Before and after an error stays in the queue.
    for with_error in [false, true] {
        if with_error {
            queue_error(&socket);
            while any(&mut waiting, MOMENT).unwrap() > 0 {}
        }
        for _ in 0..3 {
            sender.send_to(b"x", to).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(any(&mut waiting, None), Ok(1));
            assert!(waiting[0].events().contains(Events::READABLE), "{with_error}");
            socket.recv(&mut [0; 8]).unwrap();
        }
        assert_eq!(any(&mut waiting, MOMENT), Ok(0), "{with_error}");
    }
}

fn an_error_that_nobody_takes_ends_two_waits() {
    let (socket, to) = with_errors();
    let (other, to_other) = bound();
    queue_error(&socket);
    let mut waiting = [Waiting::new(&socket, Ready::Receive), Waiting::new(&other, Ready::Receive)];
    for _ in 0..2 {
        assert_eq!(any(&mut waiting, None), Ok(1));
        assert_eq!(waiting[0].events(), Events::ERROR);
    }
    for _ in 0..3 {
        assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    }
    // A new error is reported, and so are datagrams of both.
    queue_error(&socket);
    assert_eq!(any(&mut waiting, None), Ok(1));
    assert_eq!(waiting[0].events(), Events::ERROR);
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    socket.send_to(b"x", to_other).unwrap();
    assert_eq!(any(&mut waiting, None), Ok(1));
    assert_eq!(waiting[1].events(), Events::READABLE);
    other.recv(&mut [0; 8]).unwrap();
    other.send_to(b"x", to).unwrap();
    assert_eq!(any(&mut waiting, None), Ok(1));
    assert_eq!(waiting[0].events(), Events::READABLE | Events::ERROR);
    socket.recv(&mut [0; 8]).unwrap();
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    assert_eq!(take_errors(&socket), 2);
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
}

fn errors_that_are_taken_are_all_reported() {
    let (socket, _) = with_errors();
    let mut waiting = [Waiting::new(&socket, Ready::Receive)];
    for round in 0..6 {
        queue_error(&socket);
        assert_eq!(any(&mut waiting, None), Ok(1), "{round}");
        assert_eq!(waiting[0].events(), Events::ERROR, "{round}");
        if round == 3 {
            // Not taken: the next one is reported all the same.
            continue;
        }
        assert!(take_errors(&socket) > 0);
    }
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
}

fn a_socket_that_is_always_ready_hides_no_error() {
    let ((socket, _), (other, _)) = (with_errors(), bound());
    queue_error(&socket);
    let mut waiting = [Waiting::new(&other, Ready::Send), Waiting::new(&socket, Ready::Receive)];
    for _ in 0..2 {
        assert_eq!(any(&mut waiting, None), Ok(2));
    }
    assert_eq!(any(&mut waiting, None), Ok(1));
    queue_error(&socket);
    assert_eq!(any(&mut waiting, None), Ok(2));
    assert_eq!(waiting[1].events(), Events::ERROR);
}

fn a_wait_for_errors_only_ignores_datagrams() {
    let (socket, to) = with_errors();
    let mut waiting = [Waiting::new(&socket, Events::ERROR)];
    socket.send_to(b"x", to).unwrap();
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    socket.recv(&mut [0; 8]).unwrap();
    queue_error(&socket);
    assert_eq!(any(&mut waiting, None), Ok(1));
    assert_eq!(waiting[0].events(), Events::ERROR);
}

fn what_is_waited_for_can_change() {
    let (socket, _) = with_errors();
    let mut waiting = [Waiting::new(&socket, Ready::Receive)];
    queue_error(&socket);
    while any(&mut waiting, MOMENT).unwrap() > 0 {}
    waiting[0].set_wanted(Events::READABLE | Events::WRITABLE);
    assert_eq!(waiting[0].wanted(), Events::READABLE | Events::WRITABLE);
    assert_eq!(any(&mut waiting, None), Ok(1));
    assert!(waiting[0].events().contains(Events::WRITABLE));
    take_errors(&socket);
    waiting[0].set_wanted(Ready::Receive);
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
}

fn an_error_takes_no_change_with_it() {
    const CHILD: &str = "IPV6_FEW_DESCRIPTORS";
    if std::env::var_os(CHILD).is_none() {
        // The limit is one of the process, and the other tests need descriptors.
        let mut child = std::process::Command::new("sh");
        child.args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
        child
            .args(["--exact", "an_error_takes_no_change_with_it"])
            .env(CHILD, "")
            .env("IPV6_REQUIRE_ALL", "1");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let ((first, _), (second, _)) = (with_errors(), with_errors());
    let mut waiting = [&first, &second].map(|socket| Waiting::new(socket, Ready::Receive));
    // From the third call on, the first socket is observed.
    queue_error(&first);
    while any(&mut waiting, MOMENT).unwrap() > 0 {}
    queue_error(&second);
    assert_eq!(any(&mut waiting, None), Ok(1));
    queue_error(&first);
    let full: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    const EMFILE: i32 = 24;
    for _ in 0..2 {
        assert_eq!(any(&mut waiting, None).map_err(Errno::raw), Err(EMFILE));
        assert_eq!(waiting.each_ref().map(Waiting::events), [Events::empty(), Events::ERROR]);
    }
    drop(full);
    assert_eq!(any(&mut waiting, None), Ok(2));
    assert_eq!(waiting.each_ref().map(Waiting::events), [Events::ERROR; 2]);
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
}

fn changes_can_be_waited_for() {
    let (socket, _) = with_errors();
    let errors = Changes::of_errors(&socket).unwrap();
    let mut waiting = [Waiting::new(&errors, Ready::Receive)];
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
    queue_error(&socket);
    assert_eq!(any(&mut waiting, None), Ok(1));
    assert_eq!(errors.wait(None), Ok(Events::ERROR));
    assert_eq!(any(&mut waiting, MOMENT), Ok(0));
}

fn descriptors_are_numbers_and_back() {
    let socket = socket::datagram().unwrap();
    let number: RawFd = socket.as_raw_fd();
    assert_eq!(socket.into_raw_fd(), number);
    // SAFETY: nothing else owns the descriptor.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    socket::bind(&socket, &SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0)).unwrap();
}
