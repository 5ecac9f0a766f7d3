//! The chart of messages per second.

use maud::{Markup, html};

use super::text::number;
use crate::live::SECONDS;

/// Seconds in a bar.
const STEP: usize = 3;
/// Seconds over which "now" is averaged: a single one says nothing at low rates.
const NOW: usize = 10;
/// Height of the drawing, in units of its own.
const HEIGHT: f64 = 100.0;

/// Draws counts of [`SECONDS`] seconds, the last of which is not over.
pub(super) fn chart(counts: &[u32]) -> Markup {
    let bars: Vec<f64> = counts.chunks(STEP).map(mean).collect();
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let peak = counts.iter().copied().max().unwrap_or(0);
    let now = mean(
        counts
            .get(SECONDS.saturating_sub(NOW + 1)..SECONDS - 1)
            .unwrap_or_default(),
    );
    let top = ceiling(bars.iter().copied().fold(0.0, f64::max));
    let summary = format!(
        "Messages per second over the last five minutes: now {}, most {peak}, {total} in all.",
        rate(now)
    );
    html! {
        figure.chart {
            div.plot {
                div.scale aria-hidden="true" { span { (rate(top)) } span { "0" } }
                svg viewBox={ "0 0 " (bars.len() * 4) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label=(summary) {
                    line.grid x1="0" x2=(bars.len() * 4) y1="0.5" y2="0.5" {}
                    line.grid x1="0" x2=(bars.len() * 4) y1="50" y2="50" {}
                    @for (index, bar) in bars.iter().enumerate() {
                        @let height = (bar / top * HEIGHT).min(HEIGHT);
                        @if height > 0.0 {
                            // Whatever happened at all can be seen.
                            @let height = height.max(1.5);
                            rect x=(index * 4) y=(format!("{:.1}", HEIGHT - height)) width="3.2"
                                height=(format!("{height:.1}")) {}
                        }
                    }
                    line.base x1="0" x2=(bars.len() * 4) y1=(HEIGHT) y2=(HEIGHT) {}
                }
            }
            div.ends aria-hidden="true" { span { "5 min ago" } span { "now" } }
            figcaption {
                strong { (rate(now)) } " a second now · most in a second "
                strong { (number(u64::from(peak))) } " · "
                strong { (number(total)) } " in five minutes"
            }
        }
    }
}

fn mean(counts: &[u32]) -> f64 {
    if counts.is_empty() {
        return 0.0;
    }
    counts.iter().copied().map(f64::from).sum::<f64>() / counts.len() as f64
}

/// The next number of one digit, a power of ten and a factor of 1, 2 or 5: the top of the scale.
fn ceiling(value: f64) -> f64 {
    let mut top = 1.0;
    for factor in [2.0, 2.5, 2.0].iter().cycle() {
        if value <= top {
            break;
        }
        top *= factor;
    }
    top
}

fn rate(value: f64) -> String {
    if value >= 10.0 || value == value.trunc() {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (value, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (3.0, 5.0),
            (7.0, 10.0),
            (999.0, 1000.0),
        ] {
            assert_eq!(ceiling(value), top, "{value}");
        }
    }

    #[test]
    fn every_bar_stays_within_the_drawing() {
        let mut counts = vec![0; SECONDS];
        counts[0] = 9;
        counts[SECONDS - 2] = 20;
        let chart = chart(&counts).into_string();
        assert_eq!(chart.matches("<rect").count(), 2);
        assert!(chart.contains("now 2, most 20, 29 in all"), "{chart}");
    }
}
