//! Control messages that are valid, or almost valid, of a platform that the input chooses: encoded, decoded, and encoded
//! again.

use arbitrary::{Result, Unstructured};
use ipv6_core::abi::{self, ControlNumber, Platform, Visitor};
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::message::{Decoded, Messages};
use ipv6_core::*;

/// Runs a function for the platform that the first byte chooses, with the rest of the input.
pub(crate) fn on_one_platform<V: Visitor<Output = Result<()>>>(
    input: &[u8],
    visitor: impl FnOnce(&[u8]) -> V,
) {
    let Some((first, rest)) = input.split_first() else { return };
    let name = abi::NAMES[usize::from(*first) % abi::NAMES.len()];
    // An error: the input ends before the value does.
    let _ = abi::with(name, visitor(rest)).expect("the name is one of the list");
}

/// Reads messages whose numbers and sizes the platform has, or that differ a little.
pub fn received(input: &[u8]) {
    struct Body(Vec<u8>);

    impl Visitor for Body {
        type Output = Result<()>;

        fn visit<P: Platform>(self) -> Result<()> {
            let control = drawn::<P>(&mut Unstructured::new(&self.0))?;
            crate::walk_on::<P>(&control);
            crate::decode_on::<P>(&control);
            messages_on::<P>(&control);
            Ok(())
        }
    }
    on_one_platform(input, |rest| Body(rest.to_vec()));
}

/// Lays out messages of the platform's table.
fn drawn<P: Platform>(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let known: Vec<ControlNumber> =
        P::ABI.control.rows().into_iter().filter_map(|(_, number)| number).collect();
    let mut control = vec![0xa5; 4096];
    let mut writer = Writer::<P>::new(&mut control);
    let mut lengths = Vec::new();
    for _ in 0..u.int_in_range(0..=6)? {
        let mut number = *u.choose(&known)?;
        match u.int_in_range(0..=15)? {
            0 => number.kind = u.arbitrary()?,
            1 => number.level = u.arbitrary()?,
            2 => number.size = u.int_in_range(0..=64)?,
            // An extension header, whose size is in it.
            3 => number.size = 8 * u.int_in_range(1..=4)?,
            _ => {}
        }
        let mut data = vec![0; number.size];
        u.fill_buffer(&mut data)?;
        // Small numbers are more often valid: the higher bytes of an integer are zero.
        if number.size == 4 && u.arbitrary()? {
            let low = data[0];
            data.copy_from_slice(&crate::common::integer::<P>(low.into(), 4));
        }
        if number.size >= 16 && u.arbitrary()? {
            // A socket address of IPv6.
            let family = P::ABI.sockaddr.af_inet6;
            let head = if P::ABI.sockaddr.length_byte { [28, family] } else { family_bytes::<P>(family) };
            // In a queued error it follows the structure.
            let at = if number.size == 44 { 16 } else { 0 };
            data[at..at + 2].copy_from_slice(&head);
        }
        if number.size.is_multiple_of(8) && number.size >= 8 && u.arbitrary()? {
            data[1] = u8::try_from(number.size / 8 - 1).unwrap_or(u8::MAX);
        }
        if writer.push(number.level, number.kind, &data).is_ok() {
            lengths.push(P::ABI.cmsg.space(number.size));
        }
    }
    let used = writer.finish();
    control.truncate(used);
    if u.ratio(1, 8)? && !lengths.is_empty() {
        // Another length in the header of one of them.
        let start: usize = lengths[..u.choose_index(lengths.len())?].iter().sum();
        let width = P::ABI.cmsg.len.bytes();
        let length = if u.arbitrary()? { u.int_in_range(0..=80)? } else { u.arbitrary()? };
        control[start..start + width].copy_from_slice(&crate::common::integer::<P>(length, width));
    }
    if u.ratio(1, 8)? {
        control.truncate(u.int_in_range(0..=used)?);
    }
    Ok(control)
}

fn family_bytes<P: Platform>(family: u8) -> [u8; 2] {
    let bytes = crate::common::integer::<P>(family.into(), 2);
    [bytes[0], bytes[1]]
}

/// Reads each message of the input by type, on every platform.
pub fn messages(input: &[u8]) {
    on_every_platform!(messages_on(input));
}

fn messages_on<P: Platform>(input: &[u8]) {
    let each = RawMessages::<P>::new(input);
    let values: Vec<_> = each.clone().decoded().collect();
    let sent: Vec<_> = each.clone().decoded_sent().collect();
    assert_eq!((values.len(), sent.len()), (each.clone().count(), each.clone().count()));
    for ((message, received), sent) in each.zip(values).zip(sent) {
        for value in [received, sent] {
            match value {
                Ok(value) => {
                    let kind = message.unwrap().control::<P>();
                    // One number of Linux has another message in each direction.
                    assert_eq!(value.control().is_some(), kind.is_some());
                    assert!(!value.to_string().is_empty() && !format!("{value:?}").is_empty());
                }
                Err(error) => {
                    assert!(error.offset().is_some_and(|offset| offset < input.len()));
                    assert_eq!(error.cause().offset().is_some(), error.control().is_none());
                    assert!(!error.to_string().is_empty() && !error.cause().to_string().is_empty());
                }
            }
        }
        if let Ok(message) = message {
            assert!(message.to_string().contains(&format!("type {}", message.kind)));
        }
    }
}

/// Generates messages by type, encodes them, decodes them and encodes the values again, on the platform that the input
/// chooses.
pub fn typed(input: &[u8]) {
    struct Body(Vec<u8>);

    impl Visitor for Body {
        type Output = Result<()>;

        fn visit<P: Platform>(self) -> Result<()> {
            typed_on::<P>(&mut Unstructured::new(&self.0))
        }
    }
    on_one_platform(input, |rest| Body(rest.to_vec()));
}

/// Appends values that can be sent. A row is a message.
macro_rules! push {
    ($messages:ident, $value:ident; $($Message:ident)*) => {
        match $value {
            $(Decoded::$Message(message) => $messages.push(&message),)*
            other => panic!("{other} is never sent"),
        }
    };
}

fn typed_on<P: Platform>(u: &mut Unstructured<'_>) -> Result<()> {
    let messages: Messages<P, 512> = u.arbitrary()?;
    let bytes = messages.as_bytes();
    let mut again = Messages::<P, 512>::new();
    for value in RawMessages::<P>::new(bytes).decoded_sent() {
        let value = value.unwrap();
        let pushed = push! { again, value; DestinationOptions DontFragment FirstDestinationOptions FlowLabel HopByHop HopLimit
        Ipv4PacketInfo Mark MinMtu NextHop PacketInfo RoutingHeader SegmentSize TimeToLive TimestampRequest
        TrafficClass TxTime TypeOfService Priority TimestampId };
        pushed.unwrap();
    }
    assert_eq!(again.as_bytes(), bytes);
    assert_eq!(again, messages);
    assert_eq!(format!("{again:?}"), format!("{messages:?}"));
    assert_eq!(messages.is_empty(), bytes.is_empty());

    // Beside fields, for destinations of both families, and for another platform.
    let control: SendControl<'_> = u.arbitrary()?;
    let both = control.with_messages(&messages);
    let mut buffer = vec![0xa5; u.int_in_range(0..=1024)?];
    if let Ok(used) = both.encode::<P>(&mut buffer) {
        assert_eq!(used, both.space::<P>());
        assert!(buffer[..used].ends_with(bytes));
        assert!(buffer[used..].iter().all(|byte| *byte == 0xa5));
    }
    let (mapped, other) =
        (both.encode_mapped::<P>(&mut buffer), both.encode::<crate::common::Bare>(&mut buffer));
    for error in [mapped, other].into_iter().filter_map(std::result::Result::err) {
        assert!(!error.to_string().is_empty() && !format!("{error:?}").is_empty());
    }
    assert!(!both.to_string().is_empty() && !format!("{both:?}").is_empty());
    let _ = (both.dscp(), both.ecn());
    assert_eq!(both == control, messages_are_absent(&both, &control));

    let mut cleared = messages.clone();
    cleared.clear();
    assert!(cleared.is_empty());

    // What kernels deliver.
    let received: RecvControl<'_> = u.arbitrary()?;
    let flags: ControlFlags = u.arbitrary()?;
    let filtered = received.filter(flags);
    assert_eq!(filtered.filter(flags), filtered);
    assert!(!received.to_string().is_empty() && !format!("{received:?}").is_empty());
    let _ = (received.dscp(), received.ecn(), received.detach());
    let supported = (flags | ControlFlags::SUPPORTED).as_supported_by::<P>();
    assert_eq!((supported, flags.as_supported_by::<P>()), (ControlFlags::supported_by::<P>(), flags));
    assert!(flags.space::<P>() <= RecvControl::max_space::<P>());
    let mut reply = vec![0; 256];
    let _ = received.reply().encode::<P>(&mut reply);
    let _ = received.reply().encode_mapped::<P>(&mut reply);
    Ok(())
}

/// Messages make a value differ from one without, also when there are none of them.
fn messages_are_absent(one: &SendControl<'_>, other: &SendControl<'_>) -> bool {
    one.to_string() == other.to_string()
}
