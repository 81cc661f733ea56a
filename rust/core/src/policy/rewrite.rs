//! Logs under a policy, to a file that appears whole or not at all, or to a stream.

use std::io;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::output::identity::{self, Identity};
use crate::output::rejects::Rejects;
use crate::output::text::{Target, TextWriter};
use crate::reader::Options;
use crate::reader::batches::ReadError;
use crate::reader::progress::{Progress, Watch};
use crate::reader::source::Source;
use crate::schema::Selection;
use crate::stats::Rejected;

use super::apply::{self, Applied, ApplyError, Judge, Verdict};
use super::columns::{ColumnsError, HELPFUL, NEEDED};
use super::evaluate::Evaluator;
use super::level::Level;

/// Places of rejected lines that are kept where there is no file for them.
const PLACES: usize = 1000;

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    /// What became of the events.
    pub applied: Applied,
    /// The file with the rejected lines, when there were any and the output is a file.
    pub rejects_file: Option<PathBuf>,
    /// The first rejected lines, without their bytes, where the output is a stream and has no file beside it.
    pub rejected: Vec<Rejected>,
    /// How far it came: the end.
    pub progress: Progress,
}

/// Why the work stopped. An output file did not appear; a stream has the part until then.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The output is an input.
    #[error("{}: the output, or the file beside it for rejected lines, is {input}, which is read: name another output", out.display())]
    SameFile {
        /// The output, as it was named.
        out: PathBuf,
        /// The input, as it was named.
        input: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output cannot be written.
    #[error("cannot write {}: {error}; free the cause and run it again", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The caller wanted no more.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// A mistake of ours.
    #[error("{0}")]
    Mistake(String),
}

/// Writes what a server under the policy would have written of the sources to `out`: `-` is standard output; a file whose
/// name ends in `.gz` or `.zst` is compressed. The selection of `options` is of no account.
///
/// # Errors
/// [`RewriteError`]
pub fn rewrite(
    sources: Vec<Source>,
    evaluator: Evaluator,
    out: &Path,
    mut options: Options,
    threads: usize,
    watch: Watch<'_>,
) -> Result<Rewritten, RewriteError> {
    let target = Target::new(out);
    if let Some(input) = same_file(&target, &sources) {
        return Err(RewriteError::SameFile { out: out.to_owned(), input });
    }
    let output_error = |error| RewriteError::Output { path: out.to_owned(), error };
    let mut writer = TextWriter::create(&target).map_err(output_error)?;
    options.selection = selection();
    let mut scribe = Scribe {
        evaluator,
        rejects: target.rejects(),
        rejected: Vec::new(),
        progress: Progress::default(),
        watch,
    };
    let applied =
        apply::apply(sources, options, threads, &mut scribe, &mut writer).map_err(|error| match error {
            ApplyError::Read(error) => error.into(),
            ApplyError::Output(error) => output_error(error),
            ApplyError::Judge(error) => error,
            ApplyError::Verdicts { .. } => RewriteError::Mistake(error.to_string()),
        })?;
    let Scribe { rejects, rejected, progress, watch, .. } = scribe;
    if !watch(&progress) {
        return Err(RewriteError::Interrupted);
    }
    // First the quarantine: events must not appear without the account of what is missing among them.
    let rejects_file = match rejects {
        Some(rejects) => {
            let path = rejects.path().to_owned();
            rejects.replace().map_err(|error| RewriteError::Output { path, error })?
        }
        None => None,
    };
    writer.finish().map_err(output_error)?;
    Ok(Rewritten { applied, rejects_file, rejected, progress })
}

/// The input that writing would destroy, or read what was just written.
fn same_file(target: &Target, sources: &[Source]) -> Option<String> {
    let files = target.files();
    let is_written = |identity: Option<Identity>| identity.is_some_and(|identity| files.contains(&identity));
    sources.iter().find_map(|source| match source {
        Source::Path(path) => is_written(identity::of_path(path)).then(|| path.display().to_string()),
        Source::Stream { name, .. } if name.is_empty() => {
            is_written(identity::of_stream(&io::stdin())).then(|| "standard input".to_owned())
        }
        Source::Stream { name, .. } => is_written(identity::of_path(Path::new(name))).then(|| name.clone()),
    })
}

fn selection() -> Selection {
    let names: Vec<String> = NEEDED.into_iter().chain(HELPFUL).map(str::to_owned).collect();
    Selection::new(Some(&names), true).expect("names of the schema")
}

/// Judges by the policy, and keeps what is rejected.
struct Scribe<'a> {
    evaluator: Evaluator,
    /// `None` where the output is a stream.
    rejects: Option<Rejects>,
    rejected: Vec<Rejected>,
    progress: Progress,
    watch: Watch<'a>,
}

impl Judge for Scribe<'_> {
    type Error = RewriteError;

    fn verdicts(&mut self, batch: &RecordBatch) -> Result<Vec<Verdict>, RewriteError> {
        let mistake = |error: ColumnsError| RewriteError::Mistake(error.to_string());
        let verdicts = self.evaluator.verdicts(batch).map_err(mistake)?;
        let verdict = |row| {
            let decision = verdicts.decision(row);
            Verdict {
                level: decision.level,
                emitted: decision.level != Level::None && verdicts.is_emitted(row),
                omit_managed_fields: decision.omit_managed_fields,
            }
        };
        Ok((0..verdicts.len()).map(verdict).collect())
    }

    fn rejected(&mut self, rejected: Vec<Rejected>) -> Result<(), RewriteError> {
        if let Some(rejects) = &mut self.rejects {
            let added = rejects.add(&rejected);
            return added.map_err(|error| RewriteError::Output { path: rejects.path().to_owned(), error });
        }
        let room = PLACES - self.rejected.len();
        let places = rejected.into_iter().take(room);
        self.rejected.extend(places.map(|line| Rejected { bytes: Vec::new(), ..line }));
        Ok(())
    }

    fn watch(&mut self, progress: &Progress) -> Result<(), RewriteError> {
        self.progress = *progress;
        if (self.watch)(progress) { Ok(()) } else { Err(RewriteError::Interrupted) }
    }
}
