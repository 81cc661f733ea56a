//! Reads logs on one thread and prints what became of them: `cargo run --release --example read -- audit.log`. In front of
//! the logs, `columns=verb,code`, `bodies=no`, `verb=get,list` or `user=system:*` choose columns and rows.

use auditwake_core::batch::filter::Choice;
use auditwake_core::input::discover::discover;
use auditwake_core::input::open::decode;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::schema::Selection;
use auditwake_core::stats::{Outcome, Outcomes};

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    let (mut columns, mut bodies, mut specs) = (None, true, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("columns", names)) => {
                columns = Some(names.split(',').map(str::to_owned).collect::<Vec<_>>());
            }
            Some(("bodies", answer)) => bodies = answer != "no",
            Some(("verb", words)) => options.filter.verb = Choice::new(words.split(',')),
            Some(("user", words)) => options.filter.user = Choice::new(words.split(',')),
            Some(("resource", words)) => options.filter.resource = Choice::new(words.split(',')),
            Some(("code", code)) => options.filter.code = vec![(code.parse()?, code.parse()?)],
            Some(("until", micros)) => options.filter.until = Some(micros.parse()?),
            _ => specs.push(argument),
        }
    }
    options.selection = Selection::new(columns.as_deref(), bodies)?;
    let mut outcomes = Outcomes::default();
    let mut reader = Reader::new(options);
    for spec in specs {
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
    println!("rows {}, left out {}", outcomes.events, outcomes.filtered);
    Ok(())
}
