//! The parts of a line of JSON, by their places in its text.

use std::ops::Range;

/// One member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The key with its quotes.
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

impl Member {
    /// From the key to the end of the value.
    pub(crate) fn span(&self) -> Range<usize> {
        self.key.start..self.value.end
    }
}

/// Where the parts of a line stand.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Beginnings of tokens, and the end of the line: where white space may stand.
    pub(crate) gaps: Vec<usize>,
    /// Strings with their quotes; keys among them, but for those of bodies, into which nobody looks.
    pub(crate) strings: Vec<Range<usize>>,
    /// Members of each object that has any, the event first.
    pub(crate) objects: Vec<Vec<Member>>,
}

/// A container that is not closed yet.
struct Open {
    start: usize,
    /// Its place in `objects`; `None` for an array.
    object: Option<usize>,
    /// The key whose value comes next.
    key: Option<Range<usize>>,
}

impl Layout {
    /// The layout of a text that is JSON, or nearly so; `None` when brackets or quotes do not close.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (bytes, mut layout, mut open) = (text.as_bytes(), Self::default(), Vec::new());
        let mut at = 0;
        while at < bytes.len() {
            if b" \t\r,:".contains(&bytes[at]) {
                at += 1;
                continue;
            }
            layout.gaps.push(at);
            at = layout.token(bytes, at, &mut open)?;
        }
        layout.gaps.push(bytes.len());
        layout.objects.retain(|members| !members.is_empty());
        (open.is_empty() && !layout.objects.is_empty()).then_some(layout)
    }

    /// Takes the token at a position and answers where it ends.
    fn token(&mut self, bytes: &[u8], at: usize, open: &mut Vec<Open>) -> Option<usize> {
        match bytes[at] {
            b'{' => {
                self.objects.push(Vec::new());
                open.push(Open { start: at, object: Some(self.objects.len() - 1), key: None });
                Some(at + 1)
            }
            b'[' => {
                open.push(Open { start: at, object: None, key: None });
                Some(at + 1)
            }
            b'}' | b']' => {
                let closed = open.pop()?;
                self.value(closed.start..at + 1, open);
                Some(at + 1)
            }
            b'"' => {
                let span = at..string_end(bytes, at + 1)?;
                if let Some(Open { object: Some(_), key: key @ None, .. }) = open.last_mut() {
                    *key = Some(span.clone());
                } else {
                    self.value(span.clone(), open);
                }
                self.strings.push(span.clone());
                Some(span.end)
            }
            _ => {
                let rest = &bytes[at..];
                let end = rest.iter().position(|byte| b" \t\r,:]}\"{[".contains(byte)).unwrap_or(rest.len());
                self.value(at..at + end, open);
                Some(at + end)
            }
        }
    }

    /// Notes a value in the object around it, if that is one.
    fn value(&mut self, value: Range<usize>, open: &mut [Open]) {
        if let Some(Open { object: Some(object), key, .. }) = open.last_mut()
            && let Some(key) = key.take()
        {
            self.objects[*object].push(Member { key, value });
        }
    }
}

fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
