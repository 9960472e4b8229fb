//! Charts of what is recorded.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

type Outcome = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const OURS: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const OTHERS: RGBColor = RGBColor(0xa0, 0xa0, 0xa0);
const HAND: RGBColor = RGBColor(0x44, 0x44, 0x44);

/// Draws all charts into the folder where the results are.
pub fn draw(record: &Path) -> Outcome {
    let time = table(&record.join("time.csv"))?;
    let works = ["one datagram", "one datagram without control messages", "batches of 32"];
    let groups: Vec<_> = works.iter().map(|work| (*work, bars(&time, work, 2))).collect();
    columns(&record.join("time.svg"), "nanoseconds for a datagram, sent and received", &groups)?;

    let rates: Vec<_> = [8, 32, 64]
        .iter()
        .map(|count| format!("batches of {count}"))
        .chain([10, 32, 64].iter().map(|count| format!("{count} segments of 15 bytes")))
        .collect();
    let groups: Vec<_> = rates
        .iter()
        .map(|work| {
            let mut bars = bars(&time, work, 2);
            bars.iter_mut().for_each(|(_, time)| *time = 1e6 / *time);
            (work.as_str(), bars)
        })
        .collect();
    columns(&record.join("rate.svg"), "thousand datagrams a second, sent and received", &groups)?;

    let instructions = table(&record.join("instructions-by-program.csv"))?;
    let groups: Vec<_> = works.iter().map(|work| (*work, bars(&instructions, work, 2))).collect();
    columns(&record.join("instructions.svg"), "instructions for a datagram, without the kernel's", &groups)?;

    growth(&record.join("growth.svg"), &table(&record.join("growth.csv"))?)
}

/// The rows of a CSV file below its first, whose fields may be in quotation marks.
fn table(file: &Path) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text.lines().skip(1).map(fields).collect())
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("one at least").push(character),
        }
    }
    fields
}

/// The programs that do this work, with the value in a column.
fn bars(table: &[Vec<String>], work: &str, column: usize) -> Vec<(String, f64)> {
    let rows = table.iter().filter(|row| row[0] == work);
    rows.filter_map(|row| Some((row[1].clone(), row[column].parse().ok()?))).collect()
}

/// Horizontal bars in groups, each with its value.
fn columns(file: &Path, title: &str, groups: &[(&str, Vec<(String, f64)>)]) -> Outcome {
    const LINE: i32 = 20;
    const LEFT: i32 = 270;
    const WIDTH: i32 = 860;
    let lines: usize = groups.iter().map(|(_, bars)| bars.len() + 2).sum();
    let height = 50 + LINE * lines as i32;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    text(&area, title, (20, 16), 17)?;
    let most = groups.iter().flat_map(|(_, bars)| bars).map(|(_, value)| *value).fold(0.0, f64::max);
    let mut y = 46;
    for (name, bars) in groups {
        text(&area, name, (20, y), 14)?;
        y += LINE;
        for (program, value) in bars {
            text(&area, program, (36, y), 13)?;
            let end = LEFT + (f64::from(WIDTH - LEFT - 80) * value / most) as i32;
            let bar = [(LEFT, y), (end.max(LEFT + 1), y + LINE - 5)];
            area.draw(&Rectangle::new(bar, colour(program).filled()))?;
            text(&area, &format!("{value:.0}"), (end + 6, y), 13)?;
            y += LINE;
        }
        y += LINE;
    }
    Ok(area.present()?)
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), size: i32) -> Outcome {
    Ok(area.draw(&Text::new(text.to_string(), at, ("sans-serif", size)))?)
}

fn colour(program: &str) -> RGBColor {
    match program {
        "hand-written" => HAND,
        program if program.starts_with("ipv6-std") => OURS,
        _ => OTHERS,
    }
}

/// One panel for each axis: ours and the hand-written one.
fn growth(file: &Path, table: &[Vec<String>]) -> Outcome {
    let mut axes: Vec<&str> = table.iter().map(|row| row[0].as_str()).collect();
    axes.dedup();
    let area = SVGBackend::new(file, (860, 640)).into_drawing_area();
    area.fill(&WHITE)?;
    text(&area, "nanoseconds for a datagram: ipv6-std (blue) and hand-written (dark)", (20, 10), 17)?;
    for (panel, axis) in area.margin(40, 5, 5, 5).split_evenly((3, 2)).iter().zip(axes) {
        let points: Vec<[f64; 3]> = table
            .iter()
            .filter(|row| row[0] == axis)
            .filter_map(|row| Some([row[1].parse().ok()?, row[2].parse().ok()?, row[3].parse().ok()?]))
            .collect();
        let most = points.iter().flat_map(|[_, ours, by_hand]| [*ours, *by_hand]).fold(0.0, f64::max);
        // Equal steps, for the values are no even ones.
        let steps = points.len();
        let mut chart = ChartBuilder::on(panel)
            .caption(axis, ("sans-serif", 14))
            .margin(6)
            .x_label_area_size(22)
            .y_label_area_size(48)
            .build_cartesian_2d(-0.3..steps as f64 - 0.7, 0.0..most * 1.15)?;
        let label = |at: &f64| {
            let step = at.round();
            let near = (at - step).abs() < 0.01 && step >= 0.0;
            points.get(step as usize).filter(|_| near).map_or(String::new(), |point| point[0].to_string())
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(steps * 2)
            .x_label_formatter(&label)
            .y_labels(5)
            .draw()?;
        for (column, colour) in [(2, HAND), (1, OURS)] {
            let line = points.iter().enumerate().map(|(step, point)| (step as f64, point[column]));
            chart.draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?;
            chart.draw_series(line.map(|at| Circle::new(at, 3, colour.filled())))?;
        }
    }
    Ok(area.present()?)
}
