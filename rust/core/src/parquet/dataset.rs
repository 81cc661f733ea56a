//! Inputs to a directory partitioned by column values.
//!
//! Every part of an input is a file `part-<identity>-<part>-<n>.parquet`; when all of them stand, files of the same
//! identity from an earlier run that this one did not write are removed, and a manifest says that the input is complete.
//! A killed run leaves unfinished names, which the next one writes over, or finished parts without a manifest, which the
//! next one replaces.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parquet::errors::ParquetError;

use crate::reader::ordered::{Emit, Next, Ordered, Panicked};
use crate::reader::plan::plan;
use crate::reader::source::{OpenError, Source, Task};
use crate::reader::{Account, Reader};

use super::{ConvertError, Converted, Held, Meter, Settings, Watch, encode_error, identity, output_error};
use crate::output::rejects::Rejects;

mod manifest;
mod partition;
mod parts;

use super::steps::Steps;
use manifest::Manifest;
use parts::{Part, Parts};

/// Most bytes of a plain file that one worker makes part files of.
const RANGE: u64 = 256 << 20;

/// What a worker hands on.
enum Item {
    Account { source: usize, account: Account },
    Done { source: usize, parts: Vec<Part> },
    Failed(Failure),
}

enum Failure {
    Open(OpenError),
    Write(PathBuf, ParquetError),
    Panicked(Panicked),
}

/// One input on its way.
struct Input {
    identity: String,
    name: String,
    manifest: Manifest,
    /// Tasks that are not done yet.
    open_tasks: usize,
    parts: Vec<Part>,
    rejects: Rejects,
}

/// See [`super::convert`].
pub(super) fn convert(
    sources: Vec<Source>,
    out: &Path,
    settings: &Settings,
    meter: &Meter,
    watch: Watch<'_>,
) -> Result<Converted, ConvertError> {
    partition::check(&settings.partition_by, &settings.reader.selection)?;
    fs::create_dir_all(out.join(manifest::FOLDER)).map_err(output_error(out))?;
    let mut converted = Converted::default();
    let (sources, mut inputs) = identify(sources, out, settings, &mut converted)?;
    let tasks = plan(sources, meter.range(RANGE, settings.threads));
    for task in &tasks {
        if let Some(input) = inputs.get_mut(task.source) {
            input.open_tasks += 1;
        }
    }
    let identities: Vec<String> = inputs.iter().map(|input| input.identity.clone()).collect();
    let mut sink = Sink { out, settings, meter, watch, inputs, converted };
    run(tasks, &identities, out, settings, meter, &mut sink)?;
    sink.watch()?;
    Ok(sink.converted)
}

/// Finds out which inputs are to be converted: not those that stand complete and unchanged in the output, and not the
/// same one twice.
fn identify(
    sources: Vec<Source>,
    out: &Path,
    settings: &Settings,
    converted: &mut Converted,
) -> Result<(Vec<Source>, Vec<Input>), ConvertError> {
    let mut seen: HashMap<String, (String, u64)> = HashMap::new();
    let (mut kept, mut inputs) = (Vec::new(), Vec::new());
    for source in sources {
        let (source, name, head, size, modified) = look_at(source)?;
        let mut identity = identity::of_head(&head);
        // Equal heads and equal sizes are the same bytes under two names; else the second gets a name of its own.
        match seen.get(&identity) {
            Some((_, same)) if *same == size && size > 0 => {
                converted.skipped_inputs.push(name);
                continue;
            }
            Some(_) => identity = format!("{identity}{:x}", seen.len()),
            None => {}
        }
        seen.insert(identity.clone(), (name.clone(), size));
        let manifest = Manifest::new(&name, size, modified, settings);
        if size > 0 && manifest.is_complete(out, &identity) {
            converted.skipped_inputs.push(name);
            continue;
        }
        let rejects = Rejects::new(out.join("_rejected").join(format!("{identity}.ndjson")));
        inputs.push(Input { identity, name, manifest, open_tasks: 0, parts: Vec::new(), rejects });
        kept.push(source);
    }
    Ok((kept, inputs))
}

/// A source with its name, first decoded bytes, size and time of change; the last two are zero for a stream.
fn look_at(source: Source) -> Result<(Source, String, Vec<u8>, u64, u128), ConvertError> {
    match source {
        Source::Path(path) => {
            let name = path.to_string_lossy().into_owned();
            let looked = File::open(&path).and_then(|file| {
                let metadata = file.metadata()?;
                let modified = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Ok((identity::head_of(Box::new(file))?, metadata.len(), modified.as_nanos()))
            });
            match looked {
                Ok((head, size, modified)) => Ok((Source::Path(path), name, head, size, modified)),
                Err(error) => Err(OpenError { name, error }.into()),
            }
        }
        Source::Stream { name, reader } => match identity::peek(reader) {
            Ok((head, reader)) => Ok((Source::Stream { name: name.clone(), reader }, name, head, 0, 0)),
            Err(error) => Err(OpenError { name, error }.into()),
        },
    }
}

fn run(
    tasks: Vec<Task>,
    identities: &[String],
    out: &Path,
    settings: &Settings,
    meter: &Meter,
    sink: &mut Sink<'_>,
) -> Result<(), ConvertError> {
    let new_worker = {
        let (settings, meter) = (settings.clone(), meter.clone());
        let (out, identities) = (out.to_owned(), identities.to_vec());
        let spare = settings.threads > tasks.len();
        move || Worker {
            reader: Reader::new(settings.reader.clone()),
            settings: settings.clone(),
            meter: meter.clone(),
            out: out.clone(),
            identities: identities.clone(),
            spare,
        }
    };
    if settings.threads <= 1 {
        let mut worker = new_worker();
        for task in tasks {
            let mut result = Ok(());
            worker.convert(task, &mut |item| {
                result = sink.take(item);
                result.is_ok()
            });
            result?;
        }
        return Ok(());
    }
    let mut items = Ordered::start(tasks, settings.threads, new_worker, Worker::convert);
    // Dropped in front of `items`, which waits for the workers.
    let _stop = meter.stop_at_end();
    loop {
        match items.next(Duration::from_millis(50))? {
            Next::Item(item) => sink.take(item)?,
            Next::Pending => sink.watch()?,
            Next::End => return Ok(()),
        }
    }
}

/// Reads tasks into part files.
struct Worker {
    reader: Reader,
    settings: Settings,
    meter: Meter,
    out: PathBuf,
    /// Identity of each source.
    identities: Vec<String>,
    /// Whether there are more threads than tasks.
    spare: bool,
}

impl Worker {
    fn convert(&mut self, task: Task, emit: Emit<'_, Item>) {
        if let Err(failure) = self.try_convert(task, emit) {
            emit(Item::Failed(failure));
        }
    }

    fn try_convert(&mut self, task: Task, emit: Emit<'_, Item>) -> Result<(), Failure> {
        let (source, name) = (task.source, task.name.clone());
        let stem = format!("{}{}-{:04}", parts::PREFIX, self.identities[source], task.part);
        let mut steps = Steps::begin(task, &mut self.reader, &self.settings, &self.meter, self.spare)
            .map_err(Failure::Open)?;
        let mut parts = Parts::new(&self.out, stem, &self.settings, &name, &self.meter);
        let mut held = Held::new(&self.settings);
        while let Some(step) = steps.next(&mut self.reader, &self.meter).map_err(Failure::Panicked)? {
            if let Some(batch) = step.batch {
                parts.write(&batch).map_err(|error| Failure::Write(self.out.clone(), error))?;
            }
            let due = held.add(step.account);
            if self.meter.is_stopped() || due.is_some_and(|account| !emit(Item::Account { source, account }))
            {
                return Ok(());
            }
        }
        if self.meter.is_stopped() || !emit(Item::Account { source, account: held.rest() }) {
            return Ok(());
        }
        let parts = parts.finish().map_err(|error| Failure::Write(self.out.clone(), error))?;
        emit(Item::Done { source, parts });
        Ok(())
    }
}

/// Keeps the account and completes inputs.
struct Sink<'a> {
    out: &'a Path,
    settings: &'a Settings,
    meter: &'a Meter,
    watch: Watch<'a>,
    inputs: Vec<Input>,
    converted: Converted,
}

impl Sink<'_> {
    fn take(&mut self, item: Item) -> Result<(), ConvertError> {
        match item {
            Item::Account { source, mut account } => {
                self.meter.count(&account);
                if self.settings.fail_on_reject && !account.rejected.is_empty() {
                    return Err(ConvertError::Rejected(Box::new(account.rejected.swap_remove(0))));
                }
                self.converted.outcomes.merge(&account.outcomes);
                let rejects = &mut self.inputs[source].rejects;
                rejects.add(&account.rejected).map_err(output_error(self.out))?;
            }
            Item::Done { source, parts } => self.task_done(source, parts)?,
            Item::Failed(Failure::Open(error)) => return Err(error.into()),
            Item::Failed(Failure::Write(path, error)) => return Err(encode_error(&path)(error)),
            Item::Failed(Failure::Panicked(error)) => return Err(error.into()),
        }
        self.watch()
    }

    fn task_done(&mut self, source: usize, parts: Vec<Part>) -> Result<(), ConvertError> {
        let input = &mut self.inputs[source];
        input.parts.extend(parts);
        input.open_tasks -= 1;
        if input.open_tasks > 0 {
            return Ok(());
        }
        let rejects = std::mem::replace(&mut input.rejects, Rejects::new(PathBuf::new()));
        let rejects_file = rejects.finish().map_err(output_error(self.out))?;
        complete(self.out, input).map_err(output_error(self.out))?;
        self.converted.rows += input.parts.iter().map(|part| part.rows).sum::<u64>();
        self.converted.bytes_written += input.parts.iter().map(|part| part.bytes).sum::<u64>();
        self.converted.files.extend(input.parts.iter().map(|part| part.path.clone()));
        if rejects_file.is_some() {
            self.converted.rejects_file = Some(self.out.join("_rejected"));
        }
        Ok(())
    }

    fn watch(&mut self) -> Result<(), ConvertError> {
        if (self.watch)(&self.meter.progress()) { Ok(()) } else { Err(ConvertError::Interrupted) }
    }
}

/// Removes what an earlier run left of the input under names that this one did not write, then says that it is complete.
fn complete(out: &Path, input: &Input) -> std::io::Result<()> {
    let written: HashSet<&Path> = input.parts.iter().map(|part| part.path.as_path()).collect();
    let prefix = format!("{}{}-", parts::PREFIX, input.identity);
    for file in parts::files_below(out)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&prefix) && !written.contains(file.as_path()) {
            fs::remove_file(&file)?;
        }
    }
    let files: BTreeMap<&Path, u64> =
        input.parts.iter().map(|part| (part.path.as_path(), part.rows)).collect();
    input.manifest.write(out, &input.identity, &input.name, &files)
}
