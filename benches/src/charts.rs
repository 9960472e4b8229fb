//! Draws charts from the files of the tables.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use ipv6_benches::peers::Program;

use crate::record::{Table, folder};
use crate::{growth, instructions, tables};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Result = std::result::Result<(), Box<dyn Error>>;

const FONT: &str = "sans-serif";
const STAR: &str = " *";
const INK: RGBColor = RGBColor(51, 51, 51);

/// A line in a chart: the program's name, and its points.
struct Series {
    name: String,
    points: Vec<(String, f64)>,
}

/// Draws all charts whose tables exist.
pub fn draw() -> Result {
    time()?;
    throughput()?;
    by_instructions()?;
    by_growth()
}

/// Time per datagram, by program.
fn time() -> Result {
    let (Some(single), Some(batches)) = (Table::load(tables::SINGLE)?, Table::load(tables::BATCHES)?) else {
        return Ok(());
    };
    let panels = [
        ("One datagram, three control messages each way: ns", bars(&single, "one, three control messages")),
        ("One datagram, no control messages: ns", bars(&single, "one, no control messages")),
        ("Batches of 32, three control messages each way: ns a datagram", bars(&batches, "batch of 32")),
    ];
    draw_bars("time", &panels)
}

fn by_instructions() -> Result {
    let Some(table) = Table::load(instructions::NAME)? else { return Ok(()) };
    let panels = [
        (
            "One datagram, three control messages each way: instructions",
            bars(&table, "one, three control messages"),
        ),
        (
            "Batches of 32, three control messages each way: instructions a datagram",
            bars(&table, "batch of 32"),
        ),
    ];
    draw_bars("instructions", &panels)
}

/// Returns the results of one piece of work, by program.
fn bars(table: &Table, work: &str) -> Vec<(String, f64)> {
    let (of, program, note) = (table.column("work"), table.column("program"), table.column("note"));
    let rows: Vec<&Vec<String>> = table.rows.iter().filter(|row| row[of] == work).collect();
    // A star marks rows with a note.
    let name =
        |row: &Vec<String>| format!("{}{}", row[program], if row[note].is_empty() { "" } else { STAR });
    figures(table, &rows).into_iter().map(|(row, figure)| (name(row), figure)).collect()
}

/// Returns the result of the first row, the hand-written program, multiplied by the ratio of each row. On a busy machine the
/// ratios are reliable, but the times of the rows are not.
fn figures<'r>(table: &Table, rows: &[&'r Vec<String>]) -> Vec<(&'r Vec<String>, f64)> {
    let ratio = table.column("to hand-written");
    let Some(by_hand) = rows.first().and_then(|row| row[ratio - 1].parse::<f64>().ok()) else {
        return Vec::new();
    };
    rows.iter().filter_map(|row| Some((*row, by_hand * row[ratio].parse::<f64>().ok()?))).collect()
}

fn draw_bars(name: &str, panels: &[(&str, Vec<(String, f64)>)]) -> Result {
    const WIDTH: u32 = 760;
    const LEFT: i32 = 220;
    const RIGHT: i32 = 90;
    const BAR: i32 = 22;
    const TITLE: i32 = 44;
    let height: i32 = panels.iter().map(|(_, bars)| TITLE + BAR * bars.len() as i32).sum();
    let path = folder().join(name).with_extension("svg");
    let root = SVGBackend::new(&path, (WIDTH, (height + TITLE) as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let text =
        |size, horizontal| (FONT, size).into_font().color(&INK).pos(Pos::new(horizontal, VPos::Center));
    let mut top = 0;
    for (title, bars) in panels {
        root.draw(&Text::new(*title, (12, top + TITLE / 2 + 4), text(15, HPos::Left)))?;
        top += TITLE;
        let most = bars.iter().map(|(_, figure)| *figure).fold(1.0, f64::max);
        for (program, figure) in bars {
            let middle = top + BAR / 2;
            let end = LEFT + ((WIDTH as i32 - LEFT - RIGHT) as f64 * figure / most) as i32;
            let corners = [(LEFT, top + 3), (end, top + BAR - 3)];
            root.draw(&Text::new(program.clone(), (LEFT - 8, middle), text(13, HPos::Right)))?;
            root.draw(&Rectangle::new(corners, color(program).filled()))?;
            root.draw(&Text::new(figure_text(*figure), (end + 6, middle), text(13, HPos::Left)))?;
            top += BAR;
        }
    }
    let star = "* does less or something else: see the note in the table";
    root.draw(&Text::new(star, (12, top + TITLE / 2), text(12, HPos::Left)))?;
    Ok(root.present()?)
}

fn figure_text(figure: f64) -> String {
    if figure < 100.0 { format!("{figure:.1}") } else { format!("{figure:.0}") }
}

/// Datagrams per second, by batch size and offload.
fn throughput() -> Result {
    let Some(table) = Table::load(growth::BATCH)? else { return Ok(()) };
    let a_second = |series: Series| Series {
        points: series.points.into_iter().map(|(at, nanoseconds)| (at, 1e9 / nanoseconds)).collect(),
        ..series
    };
    let series: Vec<Series> = lines(&table).into_iter().map(a_second).collect();
    let path = folder().join("throughput.svg");
    let root = SVGBackend::new(&path, (760, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let figures = || series.iter().flat_map(|series| &series.points).map(|(_, figure)| *figure);
    let (least, most) = (figures().fold(f64::MAX, f64::min), figures().fold(0.0, f64::max));
    let title = "Datagrams a second, sent and received, by datagrams in a batch";
    let (lowest, highest) = (least / 1.5, most * 1.5);
    draw_lines(&root, title, &series, Scale::Logarithmic(lowest..highest))?;
    Ok(root.present()?)
}

/// All growth tables in one chart.
fn by_growth() -> Result {
    let mut panels = Vec::new();
    for (name, title) in [
        (growth::CONTROL, "by control flags that are on"),
        (growth::BATCH, "by datagrams in a batch"),
        (growth::PAYLOAD, "by bytes of payload"),
        (growth::THREADS, "by threads on one socket"),
        (growth::CORES, "by processors: one, or sender and receiver apart"),
        (growth::RECEIVERS, "by receivers that share a port, each with a flow and a processor"),
        (growth::GROUPS, "by groups joined"),
    ] {
        if let Some(table) = Table::load(name)? {
            panels.push((format!("ns a datagram {title}"), lines(&table)));
        }
    }
    if panels.is_empty() {
        return Ok(());
    }
    let rows = panels.len().div_ceil(2);
    let path = folder().join("growth.svg");
    let root = SVGBackend::new(&path, (960, 300 * rows as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, (title, series)) in root.split_evenly((rows, 2)).iter().zip(&panels) {
        let figures = series.iter().flat_map(|series| &series.points).map(|(_, figure)| *figure);
        let most = figures.fold(0.0, f64::max);
        draw_lines(area, title, series, Scale::Linear(0.0..most * 1.6))?;
    }
    Ok(root.present()?)
}

/// Returns one line per program of a growth table. The table's first column is the position on the horizontal axis.
fn lines(table: &Table) -> Vec<Series> {
    let (program, mut all) = (table.column("program"), Vec::<Series>::new());
    for rows in table.rows.iter().collect::<Vec<_>>().chunk_by(|one, other| one[0] == other[0]) {
        // The second run of the hand-written program would cover the first.
        let others =
            figures(table, rows).into_iter().filter(|(row, _)| row[program] != Program::Again.name());
        for (row, figure) in others {
            let point = (row[0].clone(), figure);
            match all.iter_mut().find(|series| series.name == row[program]) {
                Some(series) => series.points.push(point),
                None => all.push(Series { name: row[program].clone(), points: vec![point] }),
            }
        }
    }
    all
}

/// The vertical axis.
enum Scale {
    Linear(Range<f64>),
    Logarithmic(Range<f64>),
}

fn draw_lines(area: &Area, title: &str, series: &[Series], scale: Scale) -> Result {
    let longest = series.iter().max_by_key(|series| series.points.len());
    let Some(at) = longest.map(|series| series.points.iter().map(|(at, _)| at.clone()).collect::<Vec<_>>())
    else {
        return Ok(());
    };
    let across = -0.2..at.len() as f64 - 0.8;
    let mut builder = ChartBuilder::on(area);
    builder.caption(title, (FONT, 15).into_font().color(&INK)).margin(10);
    builder.x_label_area_size(28).y_label_area_size(56);
    let label = |x: &f64| {
        let index = x.round();
        let known = (x - index).abs() < 0.01 && index >= 0.0;
        at.get(index as usize).filter(|_| known).cloned().unwrap_or_default()
    };
    macro_rules! draw {
        ($up:expr, $legend:expr) => {{
            let mut chart = builder.build_cartesian_2d(across, $up)?;
            let mut mesh = chart.configure_mesh();
            mesh.disable_x_mesh().light_line_style(TRANSPARENT).bold_line_style(INK.mix(0.12));
            mesh.label_style((FONT, 12).into_font().color(&INK)).axis_style(INK.mix(0.5));
            mesh.x_labels(at.len() * 2).x_label_formatter(&label).y_labels(6);
            mesh.y_label_formatter(&|figure| thousands(*figure)).draw()?;
            for series in series {
                let color = color(&series.name);
                let place = |label: &String| at.iter().position(|known| known == label).unwrap_or(0) as f64;
                let points = || series.points.iter().map(|(at, figure)| (place(at), *figure));
                chart
                    .draw_series(LineSeries::new(points(), color.stroke_width(2)))?
                    .label(series.name.clone())
                    .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 12, y + 4)], color.filled()));
                chart.draw_series(points().map(|point| Circle::new(point, 3, color.filled())))?;
            }
            chart
                .configure_series_labels()
                .position($legend)
                .label_font((FONT, 12).into_font().color(&INK))
                .background_style(WHITE.mix(0.8))
                .draw()?;
        }};
    }
    // The legend is in the corner without lines.
    match scale {
        Scale::Linear(range) => draw!(range, SeriesLabelPosition::UpperRight),
        Scale::Logarithmic(range) => draw!(range.log_scale(), SeriesLabelPosition::UpperLeft),
    }
    Ok(())
}

fn thousands(figure: f64) -> String {
    match figure {
        1e6.. => format!("{} M", figure / 1e6),
        1e4.. => format!("{} k", figure / 1e3),
        _ => figure.to_string(),
    }
}

/// The colour of a program, the same in every chart.
fn color(program: &str) -> RGBColor {
    match program.trim_end_matches(STAR) {
        "hand-written" => RGBColor(70, 70, 70),
        "hand-written, again" => RGBColor(150, 150, 150),
        "system calls alone" => RGBColor(200, 200, 200),
        "ipv6-std" => RGBColor(0, 90, 181),
        "ipv6-std, each by itself" => RGBColor(102, 166, 222),
        "ipv6-std, coalescing receiver" => RGBColor(0, 45, 114),
        growth::SEGMENTS => RGBColor(0, 158, 115),
        _ => RGBColor(214, 137, 16),
    }
}
