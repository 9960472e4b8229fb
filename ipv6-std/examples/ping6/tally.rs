//! The results of the requests to one host.

use std::time::Duration;

use serde_json::{Value, json};

#[derive(Default)]
pub struct Tally {
    pub sent: u64,
    pub received: u64,
    /// Further replies to a request, by other members of a group or because the network duplicated a packet.
    again: u64,
    /// ICMPv6 errors about its requests that cannot be true.
    pub ignored: u64,
    least: Option<Duration>,
    most: Option<Duration>,
    sum: Duration,
}

impl Tally {
    pub fn add(&mut self, time: Duration, again: bool) {
        if again {
            self.again += 1;
            return;
        }
        self.received += 1;
        self.least = Some(self.least.map_or(time, |least| least.min(time)));
        self.most = Some(self.most.map_or(time, |most| most.max(time)));
        self.sum += time;
    }

    /// The summary, as text and as an object.
    pub fn summary(&self, host: &str) -> (String, Value) {
        let Self { sent, received, again, ignored, .. } = *self;
        let lost = sent.saturating_sub(received) as f64 / sent.max(1) as f64 * 100.0;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (least, most) = (self.least.map(ms), self.most.map(ms));
        let mean = (received > 0).then(|| ms(self.sum) / received as f64);
        let of_others = if again > 0 { format!(", {again} again") } else { String::new() };
        let of_reports = if ignored > 0 { format!(", {ignored} reports ignored") } else { String::new() };
        let of_times = match (least, mean, most) {
            (Some(least), Some(mean), Some(most)) => {
                format!("; min/avg/max {least:.3}/{mean:.3}/{most:.3} ms")
            }
            _ => String::new(),
        };
        (
            format!("{sent} sent, {received} received{of_others}, {lost:.0} % lost{of_reports}{of_times}"),
            json!({
                "host": host, "sent": sent, "received": received, "again": again, "lost_percent": lost,
                "ignored_reports": ignored, "min_ms": least, "avg_ms": mean, "max_ms": most,
            }),
        )
    }
}
