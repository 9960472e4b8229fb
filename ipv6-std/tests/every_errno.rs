//! Every error at every call: injects each error of the table in `docs/errors.md`, and checks the result that the table
//! promises. `strace` injects; a child process, which is this program again, makes the call.

mod common;
mod loops;
mod every_errno {
    pub mod child;
    pub mod interfaces;
    pub mod mio;
    pub mod on_loop;
    pub mod options;
    pub mod packets;
    pub mod raw;
}

use std::collections::HashSet;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use every_errno::child::{self, NOTHING_FAILED, number_of};
use every_errno::options::given;
use ipv6_testnet::{Need, Test};

const CHILD: &str = "IPV6_EVERY_ERRNO_CHILD";
const PAGE: &str = include_str!("../docs/errors.md");
const API: &str = include_str!("../public-api.txt");

fn main() {
    if let Ok(part) = env::var(CHILD) {
        return child::run(&part);
    }
    let needs = &[Need::RawSocket, Need::PingSocket, Need::Strace];
    let table = Test { name: "the_table_has_every_result", needs: &[], run: the_table_has_every_result };
    let injected = Test {
        name: "each_error_has_the_documented_result",
        needs,
        run: each_error_has_the_documented_result,
    };
    let complete = Test { name: "each_call_is_in_the_page", needs: &[], run: each_call_is_in_the_page };
    // The table names the system calls that the C library of x86-64 makes. Others use `poll`, or `socketcall`.
    let count = if cfg!(target_arch = "x86_64") { 3 } else { 2 };
    ipv6_testnet::main(&[table, complete, injected][..count])
}

/// One row of the table.
#[derive(Debug)]
struct Row {
    /// More than one: in several event loops.
    calls: Vec<String>,
    system_call: &'static str,
    /// Whether the error comes in each of the system calls in turn, and not only in the first.
    each: bool,
    errors: Vec<&'static str>,
    result: &'static str,
}

fn rows() -> Vec<Row> {
    let table = PAGE.lines().skip_while(|line| !line.starts_with("| Call |")).skip(2);
    table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [call, system_call, errors, result] = cells[..] else { panic!("{line}") };
            let call = call.replace('`', "");
            let calls = match call.split_once(": ") {
                Some((loops, call)) => loops.split(", ").map(|of| format!("{of}: {call}")).collect(),
                None => vec![call],
            };
            let each = system_call.strip_prefix("each ");
            Row {
                calls,
                system_call: each.unwrap_or(system_call).trim_matches('`'),
                each: each.is_some(),
                errors: errors.split_whitespace().map(|error| error.trim_matches('`')).collect(),
                result: result.trim_matches('*'),
            }
        })
        .collect()
}

fn the_table_has_every_result() {
    let rows = rows();
    assert!(rows.len() > 50);
    for row in &rows {
        for name in &row.errors {
            number_of(name);
        }
        // Each error of one system call of one call has one result.
        for other in rows.iter().filter(|other| other.result != row.result) {
            let is_same = other.system_call == row.system_call
                && row.calls.iter().any(|call| other.calls.contains(call));
            let twice = row.errors.iter().find(|error| is_same && other.errors.contains(error));
            assert!(twice.is_none(), "{row:?}: {twice:?} has two results");
        }
        let explained = format!("| **{}** |", row.result);
        assert!(PAGE.contains(&format!("\n{explained}")), "{explained} is not explained");
    }
}

/// The calls that return the system's errors, in the recorded public API.
fn each_call_is_in_the_page() {
    // Between a pair of backticks.
    let code = PAGE.split('`').skip(1).step_by(2);
    let named: HashSet<_> = code.filter_map(|code| code.rsplit("::").next()).collect();
    let mut count = 0;
    for line in
        API.lines().filter(|line| line.contains("io::error::Result") || line.contains("SendAllError>"))
    {
        // Without type parameters, which contain colons too.
        let mut depth = 0;
        let outside = |character: &char| {
            depth += i32::from(*character == '<');
            let is_outside = depth == 0;
            depth -= i32::from(*character == '>');
            is_outside
        };
        let Some((_, declaration)) = line.split_once("fn ") else { continue };
        let plain: String =
            declaration.chars().filter(outside).take_while(|character| *character != '(').collect();
        let name = plain.rsplit("::").next().unwrap();
        // Of the traits of event loops, and of iterators.
        if ["io", "poll_io", "watch", "poll_changed", "next"].contains(&name) {
            continue;
        }
        assert!(named.contains(name), "docs/errors.md has no row for `{name}`: {line}");
        count += 1;
    }
    assert!(count > 150, "{count}");
}

/// One error of one system call of one call.
#[derive(Clone, Debug)]
struct Case {
    call: String,
    system_call: &'static str,
    error: &'static str,
    result: &'static str,
    comes: Comes,
}

/// When the error comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    First,
    /// In each of the system calls, in turn.
    Each,
    Always,
}

fn each_error_has_the_documented_result() {
    let mut cases = Vec::new();
    for Row { calls, system_call, each, errors, result } in rows() {
        for (call, error) in calls.iter().flat_map(|call| errors.iter().map(move |error| (call, *error))) {
            let comes = if each { Comes::Each } else { Comes::First };
            let case = Case { call: call.clone(), system_call, error, result, comes };
            if matches!(result, "returned" | "next send") {
                cases.push(Case { result: "always", comes: Comes::Always, ..case.clone() });
            }
            cases.push(case);
        }
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(text) = case.run() {
                        failures.lock().unwrap().push(format!("{case:?}: {text}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

impl Case {
    fn run(&self) -> Result<(), String> {
        // A namespace has one multicast router.
        static ROUTER: Mutex<()> = Mutex::new(());
        let is_router = self.call.contains("MulticastRouter");
        let _alone = is_router.then(|| ROUTER.lock().unwrap_or_else(PoisonError::into_inner));
        let nothing = || Err("nothing was injected".to_owned());
        let first = self.made_before() + 1;
        match self.comes {
            Comes::First => {
                if self.inject(&first.to_string())? {
                    Ok(())
                } else {
                    nothing()
                }
            }
            Comes::Always => {
                if self.inject(&format!("{first}+"))? {
                    Ok(())
                } else {
                    nothing()
                }
            }
            Comes::Each => {
                let mut number = 1;
                while self.inject(&number.to_string()).map_err(|text| format!("number {number}: {text}"))? {
                    number += 1;
                }
                if number > 1 { Ok(()) } else { nothing() }
            }
        }
    }

    /// How many such system calls the child makes before: when the event loop starts, and for a first socket.
    fn made_before(&self) -> usize {
        match (self.call.split_once(": "), self.system_call) {
            (Some(("tokio" | "async-io", _)), "epoll_create1") => 1,
            (Some(("tokio", _)), "epoll_ctl") => 3,
            (Some(("async-io", _)), "epoll_ctl") => 4,
            _ if self.call.contains("the second system call") => 1,
            _ => 0,
        }
    }

    /// Makes the call in a child process with the error injected into these invocations of the system call. Returns
    /// whether there was such an invocation.
    fn inject(&self, when: &str) -> Result<bool, String> {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let Self { call, system_call, error, result, comes } = self;
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let log = env::temp_dir().join(format!("ipv6-errno-{}-{run}", process::id()));
        let filter = match *system_call {
            // Segments and batches are then sent one by one.
            "sendmsg" | "sendmmsg" if *result == "always" => "/^send(to|m?msg)$",
            system_call => system_call,
        };
        // Any of the system calls may be the one that fails.
        let result = if *comes == Comes::Each && *result == "returned" { "each" } else { result };
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", log.to_str().unwrap()]);
        strace.args([
            "-e",
            &format!("trace={filter}"),
            "-e",
            &format!("inject={filter}:error={error}:when={when}"),
        ]);
        strace.arg(env::current_exe().unwrap()).env("RUST_BACKTRACE", "0");
        strace.stdin(given(call).map_or_else(Stdio::null, Stdio::from));
        let output = strace.env(CHILD, format!("{call}|{error}|{result}|{run}")).output().unwrap();
        let traced = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        if !output.status.success() {
            return Err(format!("{}\n{traced}", String::from_utf8_lossy(&output.stderr)));
        }
        let was_injected = traced.contains("(INJECTED)");
        if was_injected && String::from_utf8_lossy(&output.stdout).contains(NOTHING_FAILED) {
            return Err(format!("the error is not returned:\n{traced}"));
        }
        Ok(was_injected)
    }
}
