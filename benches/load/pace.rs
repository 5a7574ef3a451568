//! How fast something is, beside something else, on a machine that does other things too: all of them take
//! turns of half a second, and what is compared are the turns of one round.

use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt, try_join_all};

/// How often everybody's turn comes.
const ROUNDS: usize = 10;
/// How long a turn takes at least.
const TURN: Duration = Duration::from_millis(500);
/// How long everybody warms up.
const WARM_UP: Duration = Duration::from_millis(300);

/// What is done again and again: by a worker, for the how-manieth time.
pub type Deed<'a> = Box<dyn Fn(usize, usize) -> BoxFuture<'a, Result<(), String>> + 'a>;

/// One of those that are compared.
pub struct Contestant<'a> {
    deed: Deed<'a>,
    pid: Option<u32>,
}

/// How one of them did.
pub struct Pace {
    /// For each round how often a second.
    rates: Vec<f64>,
    latencies: Vec<Duration>,
    cpu: Option<Duration>,
}

impl<'a> Contestant<'a> {
    /// Whoever does this; the process is the one whose work is measured.
    pub fn new<F: Future<Output = Result<(), String>> + Send + 'a>(
        pid: Option<u32>,
        deed: impl Fn(usize, usize) -> F + 'a,
    ) -> Self {
        Self { deed: Box::new(move |worker, time| deed(worker, time).boxed()), pid }
    }

    async fn turn(&self, in_flight: usize, length: Duration, times: &mut [usize]) -> Result<Turn, String> {
        let (begun, cpu) = (Instant::now(), self.cpu());
        let workers = times.iter_mut().take(in_flight).enumerate().map(async |(worker, times)| {
            let mut latencies = Vec::new();
            while begun.elapsed() < length {
                let asked = Instant::now();
                (self.deed)(worker, *times).await?;
                *times += 1;
                latencies.push(asked.elapsed());
            }
            Ok::<_, String>(latencies)
        });
        let latencies = try_join_all(workers).await?.concat();
        let took = begun.elapsed();
        let cpu = self.cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
        Ok(Turn { latencies, took, cpu })
    }

    fn cpu(&self) -> Option<Duration> {
        super::process::cpu(self.pid?)
    }
}

struct Turn {
    latencies: Vec<Duration>,
    took: Duration,
    cpu: Option<Duration>,
}

/// Lets everybody have their turns, with this many requests in flight.
pub async fn compare<const N: usize>(
    in_flight: usize,
    contestants: [Contestant<'_>; N],
) -> Result<[Pace; N], String> {
    let mut runs = contestants.map(|contestant| (contestant, vec![0; in_flight], Vec::new()));
    for (contestant, times, _) in &mut runs {
        contestant.turn(in_flight, WARM_UP, times).await?;
    }
    for _ in 0..ROUNDS {
        for (contestant, times, turns) in &mut runs {
            turns.push(contestant.turn(in_flight, TURN, times).await?);
        }
    }
    Ok(runs.map(|(_, _, turns)| Pace::of(turns)))
}

impl Pace {
    fn of(turns: Vec<Turn>) -> Self {
        let rates = turns.iter().map(|turn| turn.latencies.len() as f64 / turn.took.as_secs_f64()).collect();
        let cpu: Option<Duration> = turns.iter().map(|turn| turn.cpu).sum();
        let mut latencies: Vec<_> = turns.into_iter().flat_map(|turn| turn.latencies).collect();
        latencies.sort();
        let cpu = cpu.and_then(|cpu| cpu.checked_div(latencies.len().try_into().ok()?));
        Self { rates, latencies, cpu }
    }

    /// How many times faster than the other: the median of the rounds.
    pub fn to(&self, other: &Self) -> f64 {
        median(self.rates.iter().zip(&other.rates).map(|(ours, theirs)| ours / theirs))
    }

    fn rate(&self) -> f64 {
        median(self.rates.iter().copied())
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = |share| quantile(&self.latencies, share).as_secs_f64() * 1000.0;
        write!(f, "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms", self.rate(), milliseconds(0.5), milliseconds(0.99))?;
        self.cpu.map_or(Ok(()), |cpu| write!(f, ", CPU {} µs", cpu.as_micros()))
    }
}

/// How long this share of them took at most. They are sorted.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share) as usize).copied().unwrap_or_default()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
