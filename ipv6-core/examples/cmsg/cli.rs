//! The program without its input and output, for `tests/cmsg_example.rs` too.

use std::any::type_name;
use std::fmt::Write;

use ipv6_core::abi::{self, Platform, Visitor};
use ipv6_core::cmsg::RawMessages;
use ipv6_core::message::Decoded;

const USAGE: &str = "usage: cmsg [--platform NAME|all] [--sent] [--json] [HEX ...]";

/// What the program prints.
pub struct Output {
    /// The lines.
    pub text: String,
    /// Whether all messages could be read on the platform, or on one of all.
    pub is_valid: bool,
}

/// Runs the program. `input` reads standard input.
pub fn run(arguments: &[String], input: impl FnOnce() -> Result<String, String>) -> Result<Output, String> {
    let (mut platform, mut sent, mut json, mut hex) = ("all", false, false, Vec::new());
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        if let Some(name) = argument.strip_prefix("--platform=") {
            platform = name;
            continue;
        }
        match argument {
            "--platform" => platform = arguments.next().ok_or(format!("--platform needs a name\n{USAGE}"))?,
            "--sent" => sent = true,
            "--json" => json = true,
            "--help" | "-h" => return Ok(Output { text: format!("{USAGE}\n\n{}", names()), is_valid: true }),
            option if option.starts_with('-') && option != "-" => {
                return Err(format!("unknown option {option}\n{USAGE}"));
            }
            text => hex.push(text),
        }
    }
    // "-" is standard input.
    let text = if hex.is_empty() || hex == ["-"] { input()? } else { hex.join(" ") };
    let bytes = parse(&text)?;

    if platform != "all" {
        let reading =
            abi::with(platform, ReadAs { control: &bytes, sent }).ok_or_else(|| no_platform(platform))?;
        let text = if json {
            format!("{}\n", reading.json())
        } else {
            format!("{}\n{}", reading.platform, reading.lines())
        };
        return Ok(Output { text, is_valid: reading.is_valid() });
    }
    let readings = abi::NAMES.iter().filter_map(|name| abi::with(name, ReadAs { control: &bytes, sent }));
    let mut possible: Vec<Reading> = readings.filter(Reading::is_valid).collect();
    // A system that has none of the messages says little if another has one.
    if possible.iter().any(Reading::has_known) {
        possible.retain(Reading::has_known);
    }
    let text = if json { list(&possible) } else { groups(&possible, sent) };
    Ok(Output { text, is_valid: !possible.is_empty() })
}

/// The error of a name that no platform has. A part of several names, such as `bsd`, could be each of them.
fn no_platform(name: &str) -> String {
    let part = name.to_lowercase();
    let with_part = |name: &&&str| !part.is_empty() && name.to_lowercase().contains(&part);
    let choices: Vec<&str> = abi::NAMES.iter().filter(with_part).copied().collect();
    match choices[..] {
        [] => format!("no platform has the name {name}\n\n{}", names()),
        _ => format!("no platform has the name {name}: is it one of {}?\n\n{}", choices.join(", "), names()),
    }
}

/// The names that `--platform` takes.
fn names() -> String {
    format!(
        "platforms: {}\nand linux, macos, freebsd, dragonfly, netbsd, openbsd, illumos, aix, windows for the most common of each\n",
        abi::NAMES.join(" ")
    )
}

/// Reads bytes in hexadecimal. The errors have the line and the column.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // The first digit of a byte, and where it is.
    let mut half: Option<(u32, String)> = None;
    let (mut line, mut column) = (1, 0);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        column += 1;
        let here = format!("line {line}, column {column}");
        let separates = character.is_whitespace() || matches!(character, ':' | ',');
        match (character.to_digit(16), half.take()) {
            (Some(0), None) if characters.next_if(|next| matches!(next, 'x' | 'X')).is_some() => column += 1,
            (Some(digit), None) => half = Some((digit, here)),
            (Some(digit), Some((high, _))) => bytes.push(u8::try_from(high << 4 | digit).unwrap_or_default()),
            (None, Some((_, at))) if separates => {
                return Err(format!("{at}: a byte has two digits, not one"));
            }
            (None, None) if separates => {}
            (None, _) => return Err(format!("{here}: {character:?} is not a hexadecimal digit")),
        }
        if character == '\n' {
            (line, column) = (line + 1, 0);
        }
    }
    match half {
        Some((_, at)) => Err(format!("{at}: a byte has two digits, not one")),
        None => Ok(bytes),
    }
}

/// One message.
#[derive(PartialEq)]
struct Message {
    offset: usize,
    /// Level, type, name in C and data. `None` if it does not fit in the buffer.
    raw: Option<(i32, i32, Option<&'static str>, Vec<u8>)>,
    value: Result<String, String>,
}

/// The messages in the buffer, as those of one platform.
struct Reading {
    platform: &'static str,
    messages: Vec<Message>,
    /// Bytes behind the last message and its padding.
    rest: usize,
}

/// Reads the buffer as that of the visited platform.
struct ReadAs<'a> {
    control: &'a [u8],
    sent: bool,
}

impl Visitor for ReadAs<'_> {
    type Output = Reading;

    fn visit<P: Platform>(self) -> Reading {
        let (mut messages, mut end) = (Vec::new(), 0);
        for message in RawMessages::<P>::new(self.control) {
            match message {
                Ok(message) => {
                    end = message.offset().saturating_add(P::ABI.cmsg.space(message.data.len()));
                    let value = if self.sent { message.decode_sent::<P>() } else { message.decode::<P>() };
                    // Of the value: a message to send can have the number of a received one.
                    let control = value.map_or_else(|error| error.control(), |value| value.control());
                    let name = control.map(|control| control.name());
                    messages.push(Message {
                        offset: message.offset(),
                        raw: Some((message.level, message.kind, name, message.data.to_vec())),
                        value: value.map(|value| describe(&value)).map_err(|error| error.to_string()),
                    });
                }
                Err(error) => {
                    end = self.control.len();
                    messages.push(Message { offset: error.offset, raw: None, value: Err(error.to_string()) });
                }
            }
        }
        // An alias has led here too.
        let platform = type_name::<P>().rsplit("::").next().unwrap_or_default();
        Reading { platform, messages, rest: self.control.len().saturating_sub(end) }
    }
}

/// The value without the name of the message.
fn describe(value: &Decoded<'_>) -> String {
    let text = value.to_string();
    match value {
        Decoded::Unknown(_) => "unknown".to_string(),
        _ => text.split_once(": ").map_or(text.clone(), |(_, value)| value.to_string()),
    }
}

fn hex(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

impl Reading {
    fn is_valid(&self) -> bool {
        self.rest == 0 && self.messages.iter().all(|message| message.value.is_ok())
    }

    /// Whether there is a message that the platform has.
    fn has_known(&self) -> bool {
        self.unknown() < self.messages.len()
    }

    /// How many messages the platform does not have.
    fn unknown(&self) -> usize {
        self.messages.iter().filter(|message| matches!(message.raw, Some((_, _, None, _)))).count()
    }

    /// One line for each message: offset, name, bytes, value.
    fn lines(&self) -> String {
        let mut text = String::new();
        for Message { offset, raw, value } in &self.messages {
            let value = value.clone().unwrap_or_else(|error| format!("error: {error}"));
            let _ = match raw {
                Some((_, _, Some(name), data)) => {
                    writeln!(text, "{offset:>3}  {name}  {}  {value}", hex(data, " "))
                }
                Some((level, kind, None, data)) => {
                    writeln!(text, "{offset:>3}  level {level}, type {kind}  {}  {value}", hex(data, " "))
                }
                None => writeln!(text, "{offset:>3}  {value}"),
            };
        }
        if self.messages.is_empty() {
            text.push_str("no control messages\n");
        }
        if self.rest != 0 {
            let _ =
                writeln!(text, "error: {} bytes behind the last message are fewer than a header", self.rest);
        }
        text
    }

    fn json(&self) -> String {
        let messages = self.messages.iter().map(|Message { offset, raw, value }| {
            let mut fields = vec![format!("\"offset\":{offset}")];
            if let Some((level, kind, name, data)) = raw {
                fields.push(format!("\"level\":{level},\"type\":{kind}"));
                fields.push(format!("\"name\":{}", name.map_or("null".to_string(), quoted)));
                fields.push(format!("\"bytes\":\"{}\"", hex(data, "")));
            }
            fields.push(match value {
                Ok(value) => format!("\"value\":{}", quoted(value)),
                Err(error) => format!("\"error\":{}", quoted(error)),
            });
            format!("{{{}}}", fields.join(","))
        });
        format!(
            "{{\"platform\":{},\"unknown\":{},\"rest\":{},\"messages\":[{}]}}",
            quoted(self.platform),
            self.unknown(),
            self.rest,
            messages.collect::<Vec<_>>().join(",")
        )
    }
}

/// A text in JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn list(readings: &[Reading]) -> String {
    format!("[{}]\n", readings.iter().map(Reading::json).collect::<Vec<_>>().join(","))
}

/// The platforms that could have written the buffer, those with the same messages together. Those that have all of its
/// messages precede those to which some are unknown.
fn groups(readings: &[Reading], sent: bool) -> String {
    let who = if sent { "program" } else { "system" };
    let mut groups: Vec<Vec<&Reading>> = Vec::new();
    for reading in readings {
        match groups.iter_mut().find(|group| group[0].messages == reading.messages) {
            Some(group) => group.push(reading),
            None => groups.push(vec![reading]),
        }
    }
    groups.sort_by_key(|group| group[0].unknown());
    let texts = groups.iter().map(|group| {
        let names: Vec<_> = group.iter().map(|reading| reading.platform).collect();
        let unknown = match group[0].unknown() {
            0 => String::new(),
            unknown => format!(" ({unknown} unknown)"),
        };
        format!("{}{unknown}\n{}", names.join(", "), group[0].lines())
    });
    let texts: Vec<_> = texts.collect();
    if texts.is_empty() { format!("no {who} can have written this\n") } else { texts.join("\n") }
}
