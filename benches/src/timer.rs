//! Rounds of several programs that alternate. On a busy machine the times wander, and what two programs of the same
//! round have to each other does not.

use std::io;
use std::time::{Duration, Instant};

/// How long it all takes.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// What one round of one program takes.
    pub round: Duration,
}

impl Effort {
    /// For figures.
    pub const FULL: Self = Self { rounds: 51, round: Duration::from_millis(8) };
    /// To see that everything works.
    pub const QUICK: Self = Self { rounds: 3, round: Duration::from_millis(1) };
    /// For figures of which there are many.
    pub fn of_many(self) -> Self {
        Self { rounds: self.rounds.min(21), ..self }
    }
}

/// Does a piece of work so often, and says how many nanoseconds one took.
pub type Runner<'r> = Box<dyn FnMut(usize) -> io::Result<f64> + 'r>;

/// What was measured of one program.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Nanoseconds for one piece of work: the median of all rounds.
    pub nanoseconds: f64,
    /// To the first program: the median of all rounds' ratios.
    pub ratio: f64,
}

/// A piece of work of this process, repeated.
pub fn repeat<'r>(mut work: impl FnMut() + 'r) -> Runner<'r> {
    Box::new(move |times| {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        Ok(start.elapsed().as_nanos() as f64 / times as f64)
    })
}

/// Measures all of them in turns.
pub fn interleave(effort: Effort, runners: &mut [Runner<'_>]) -> io::Result<Vec<Figure>> {
    let Some(first) = runners.first_mut() else { return Ok(Vec::new()) };
    let times = times(effort.round, first)?;
    // Everyone once, unmeasured: pages, caches, what the kernel makes ready at first use.
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

/// How often it goes into that time.
fn times(round: Duration, runner: &mut Runner<'_>) -> io::Result<usize> {
    let mut times = 1;
    loop {
        let took = runner(times)? * times as f64;
        let wanted = round.as_nanos() as f64;
        if took > wanted / 8.0 {
            return Ok((times as f64 * wanted / took).ceil() as usize);
        }
        times *= 4;
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
