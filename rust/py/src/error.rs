//! The exception tree, and the only conversions into it.

use std::io;

use auditwake_core::checkpoint::CheckpointError;
use auditwake_core::input::discover::SourceError;
use auditwake_core::parquet::{ConvertError, rejected_text};
use auditwake_core::policy::columns::ColumnsError;
use auditwake_core::policy::rewrite::RewriteError;
use auditwake_core::reader::batches::ReadError;
use auditwake_core::reader::source::OpenError;
use auditwake_core::restore::RestoreError;
use auditwake_core::schema::UnknownColumn;
use auditwake_core::stats::Rejected;
use pyo3::exceptions::PyBrokenPipeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The classes; made once, when the module is.
struct Tree {
    source: Py<PyType>,
    not_found: Py<PyType>,
    input: Py<PyType>,
    rejected: Py<PyType>,
    column: Py<PyType>,
    output: Py<PyType>,
    state: Py<PyType>,
    root: Py<PyType>,
}

static TREE: PyOnceLock<Tree> = PyOnceLock::new();

/// Makes the classes and adds them to the module. Two of them have a built-in class as a second base, which
/// `create_exception!` cannot say.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let builtins = py.import("builtins")?;
    let root = add_class(
        module,
        "AuditwakeError",
        "The root of all errors of auditwake.",
        &[&builtins.getattr("Exception")?],
    )?;
    let source = add_class(module, "SourceError", "A source names nothing that can be opened.", &[&root])?;
    let not_found = add_class(
        module,
        "SourceNotFoundError",
        "A file is not there, or a pattern or directory matches no file.",
        &[&source, &builtins.getattr("FileNotFoundError")?],
    )?;
    let input = add_class(module, "InputError", "Reading or decompressing failed part way.", &[&root])?;
    let rejected = add_class(
        module,
        "RejectedError",
        "A line was rejected and on_error=\"raise\" was asked for.",
        &[&root],
    )?;
    let column = add_class(
        module,
        "ColumnError",
        "There is no such column or group.",
        &[&root, &builtins.getattr("ValueError")?],
    )?;
    let output = add_class(module, "OutputError", "The output cannot be written.", &[&root])?;
    let state = add_class(
        module,
        "StateError",
        "The state of a tail is locked, or cannot be read or written.",
        &[&root],
    )?;
    let tree = Tree {
        source: source.unbind(),
        not_found: not_found.unbind(),
        input: input.unbind(),
        rejected: rejected.unbind(),
        column: column.unbind(),
        output: output.unbind(),
        state: state.unbind(),
        root: root.unbind(),
    };
    // A second interpreter keeps the classes of the first.
    let _ = TREE.set(py, tree);
    Ok(())
}

/// Makes a class by calling `type` and adds it to the module.
fn add_class<'py>(
    module: &Bound<'py, PyModule>,
    name: &str,
    doc: &str,
    bases: &[&Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyType>> {
    let py = module.py();
    let namespace = PyDict::new(py);
    namespace.set_item("__module__", "auditwake.errors")?;
    namespace.set_item("__doc__", doc)?;
    let bases = PyTuple::new(py, bases)?;
    let class = py.get_type::<PyType>().call1((name, bases, namespace))?.cast_into::<PyType>()?;
    module.add(name, &class)?;
    Ok(class)
}

fn raise(py: Python<'_>, pick: impl Fn(&Tree) -> &Py<PyType>, message: &str) -> PyErr {
    match TREE.get(py) {
        Some(tree) => PyErr::from_type(pick(tree).bind(py).clone(), (escape(message),)),
        None => pyo3::exceptions::PyRuntimeError::new_err(escape(message)),
    }
}

/// Log text can reach a message: control characters are escaped, so that it can neither end a C string nor paint a
/// terminal.
pub(crate) fn escape(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() && character != '\n' {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

pub(crate) fn unknown_column(py: Python<'_>, error: &UnknownColumn) -> PyErr {
    raise(py, |tree| &tree.column, &error.to_string())
}

pub(crate) fn source(py: Python<'_>, error: &SourceError) -> PyErr {
    let missing = matches!(
        error,
        SourceError::NotFound { .. } | SourceError::NoMatch { .. } | SourceError::EmptyDirectory { .. }
    );
    raise(py, |tree| if missing { &tree.not_found } else { &tree.source }, &error.to_string())
}

pub(crate) fn open(py: Python<'_>, error: &OpenError) -> PyErr {
    let missing = error.error.kind() == io::ErrorKind::NotFound;
    raise(py, |tree| if missing { &tree.not_found } else { &tree.source }, &error.to_string())
}

pub(crate) fn used_stream(py: Python<'_>, name: &str) -> PyErr {
    let message = format!(
        "{name} was read before and cannot go back to its start: open it again, or give a path or a seekable file"
    );
    raise(py, |tree| &tree.source, &message)
}

pub(crate) fn read(py: Python<'_>, error: &ReadError) -> PyErr {
    match error {
        ReadError::Open(error) => open(py, error),
        ReadError::Panicked(error) => raise(py, |tree| &tree.root, &error.to_string()),
    }
}

/// The error of a rejected line when rejecting is one: an input that broke off has a class of its own.
pub(crate) fn rejected(py: Python<'_>, rejected: &Rejected) -> PyErr {
    let message = rejected_text(rejected);
    if rejected.reason != "input_error" {
        return raise(py, |tree| &tree.rejected, &message);
    }
    let error = raise(py, |tree| &tree.input, &message);
    let value = error.value(py);
    let attributes = [("file", rejected.file.clone().into_pyobject(py).map(Bound::into_any).ok())];
    for (name, attribute) in attributes {
        // An exception of Python takes any attribute.
        let _ = value.setattr(name, attribute);
    }
    let _ = value.setattr("offset", rejected.offset);
    error
}

pub(crate) fn convert(py: Python<'_>, error: &ConvertError) -> PyErr {
    match error {
        ConvertError::Open(error) => open(py, error),
        ConvertError::Rejected(line) => rejected(py, line),
        ConvertError::Partition(_) => raise(py, |tree| &tree.column, &error.to_string()),
        ConvertError::Output { .. } | ConvertError::Encode { .. } => {
            raise(py, |tree| &tree.output, &error.to_string())
        }
        ConvertError::Interrupted | ConvertError::Panicked(_) => {
            raise(py, |tree| &tree.root, &error.to_string())
        }
    }
}

pub(crate) fn rewrite(py: Python<'_>, error: &RewriteError) -> PyErr {
    match error {
        RewriteError::Read(error) => read(py, error),
        // The reader of our output has gone, as `head` does.
        RewriteError::Output { error, .. } if error.kind() == io::ErrorKind::BrokenPipe => {
            PyBrokenPipeError::new_err(error.to_string())
        }
        RewriteError::SameFile { .. } | RewriteError::Output { .. } => {
            raise(py, |tree| &tree.output, &error.to_string())
        }
        RewriteError::Interrupted | RewriteError::Mistake(_) => {
            raise(py, |tree| &tree.root, &error.to_string())
        }
    }
}

pub(crate) fn checkpoint(py: Python<'_>, error: &CheckpointError) -> PyErr {
    raise(py, |tree| &tree.state, &error.to_string())
}

pub(crate) fn restore(py: Python<'_>, error: &RestoreError) -> PyErr {
    raise(py, |tree| &tree.column, &error.to_string())
}

pub(crate) fn columns(py: Python<'_>, error: &ColumnsError) -> PyErr {
    raise(py, |tree| &tree.column, &error.to_string())
}

pub(crate) fn input(py: Python<'_>, message: &str) -> PyErr {
    raise(py, |tree| &tree.input, message)
}
