//! Converts logs to one Parquet file on one thread: `cargo run --release --example convert -- audit.log out.parquet`.

use auditwake_core::input::discover::discover;
use auditwake_core::parquet::{Compression, Settings, convert};
use auditwake_core::reader::Options;
use auditwake_core::reader::source::Source;

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut specs: Vec<String> = std::env::args().skip(1).collect();
    let out = specs.pop().ok_or("give logs, then the Parquet file to write")?;
    let mut sources = Vec::new();
    for spec in specs {
        sources.extend(discover(&spec)?.into_iter().map(Source::Path));
    }
    let settings = Settings {
        reader: Options::default(),
        partition_by: Vec::new(),
        compression: Compression::default(),
        row_group_rows: 131_072,
        threads: 1,
        fail_on_reject: false,
    };
    let converted = convert(sources, out.as_ref(), &settings, &mut |_| true)?;
    println!("{} rows, {} bytes", converted.rows, converted.bytes_written);
    Ok(())
}
