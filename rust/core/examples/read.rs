//! Reads logs on one thread and prints what became of them: `cargo run --release --example read -- audit.log`.

use auditwake_core::input::discover::discover;
use auditwake_core::input::open::decode;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::stats::{Outcome, Outcomes};

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut outcomes = Outcomes::default();
    let mut reader = Reader::new(Options::default());
    for spec in std::env::args().skip(1) {
        for file in discover(&spec)? {
            let input = decode(Box::new(std::fs::File::open(&file)?))?;
            reader.start(Box::new(input), &file.to_string_lossy(), 0);
            while let Some(step) = reader.next_step() {
                outcomes.merge(&step.account.outcomes);
            }
        }
    }
    for outcome in Outcome::ALL {
        println!("{:9} {:?}", outcome.name(), outcomes.total(outcome));
    }
    Ok(())
}
