//! Measures several programs in alternating rounds. On a busy machine the times vary, but the ratio of two programs in the
//! same round does not.

use std::io;
use std::time::{Duration, Instant};

use ipv6_benches::peers::Peer;

/// The number and the length of the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// The duration of one round of one program.
    pub round: Duration,
}

impl Effort {
    /// For results worth keeping.
    pub const FULL: Self = Self { rounds: 51, round: Duration::from_millis(8) };
    /// To check that everything works.
    pub const QUICK: Self = Self { rounds: 3, round: Duration::from_millis(1) };

    /// Returns the effort for tables with many rows: fewer rounds.
    pub fn of_many(self) -> Self {
        Self { rounds: self.rounds.min(21), ..self }
    }
}

/// Does a piece of work this many times, and returns the nanoseconds per piece.
pub type Runner<'r> = Box<dyn FnMut(usize) -> io::Result<f64> + 'r>;

/// The measurement of one program.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Nanoseconds per piece of work: the median of all rounds.
    pub nanoseconds: f64,
    /// The time relative to the first program's: the median of the ratios of all rounds.
    pub ratio: f64,
}

/// Returns a runner that repeats a function of this process.
pub fn repeat<'r>(mut work: impl FnMut() + 'r) -> Runner<'r> {
    Box::new(move |times| {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        Ok(start.elapsed().as_nanos() as f64 / times as f64)
    })
}

/// Returns a runner that repeats the work of a peer.
pub fn working(mut peer: Box<dyn Peer>) -> Runner<'static> {
    Box::new(move |times| {
        let start = Instant::now();
        peer.repeat(times);
        Ok(start.elapsed().as_nanos() as f64 / times as f64)
    })
}

/// Returns a runner that repeats the work of a peer and measures its sending only.
pub fn sending(peer: Box<dyn Peer>) -> Runner<'static> {
    adding(peer, |peer| {
        let time = time(|| peer.send());
        peer.receive();
        time
    })
}

/// Returns a runner that repeats the work of a peer and measures its receiving only.
pub fn receiving(peer: Box<dyn Peer>) -> Runner<'static> {
    adding(peer, |peer| {
        peer.send();
        time(|| peer.receive())
    })
}

/// Returns a runner that adds the times that `piece` measures.
fn adding(mut peer: Box<dyn Peer>, piece: fn(&mut dyn Peer) -> Duration) -> Runner<'static> {
    Box::new(move |times| {
        let total: Duration = (0..times).map(|_| piece(&mut *peer)).sum();
        Ok(total.as_nanos() as f64 / times as f64)
    })
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Measures the programs in turns.
pub fn interleave(effort: Effort, runners: &mut [Runner<'_>]) -> io::Result<Vec<Figure>> {
    let Some(first) = runners.first_mut() else { return Ok(Vec::new()) };
    let times = times(effort.round, first)?;
    // Run each program once without measuring, to warm up pages, caches and the kernel's state.
    for runner in runners.iter_mut().skip(1) {
        runner(times.div_ceil(4))?;
    }
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds {
        rounds.push(runners.iter_mut().map(|runner| runner(times)).collect::<io::Result<Vec<f64>>>()?);
    }
    Ok((0..runners.len())
        .map(|index| Figure {
            nanoseconds: median(rounds.iter().map(|round| round[index]).collect()),
            ratio: median(rounds.iter().map(|round| round[index] / round[0]).collect()),
        })
        .collect())
}

/// Returns how many pieces of work fit into a round.
fn times(round: Duration, runner: &mut Runner<'_>) -> io::Result<usize> {
    let mut times = 1;
    loop {
        let elapsed = runner(times)? * times as f64;
        let wanted = round.as_nanos() as f64;
        if elapsed > wanted / 8.0 {
            return Ok((times as f64 * wanted / elapsed).ceil() as usize);
        }
        times *= 4;
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
