//! How much work and memory a template may take.

use minijinja::value::{ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// All work that one rendering may do: bytes copied, and values visited at [`NODE`] each.
const WORK: u64 = 1 << 31;
/// What visiting one value costs.
const NODE: u64 = 64;
/// The largest text, or texts in one list, in bytes.
const LARGEST: u64 = 16 << 20;
/// The most values in one list or map, those inside its values included.
const MOST: u64 = 1 << 20;
/// The deepest nesting of lists and maps.
const DEEPEST: usize = 64;

/// What is left for one rendering, and what the template raised.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    raised: Mutex<Option<String>>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { left: AtomicU64::new(WORK), raised: Mutex::new(None) }
    }
}

/// What one value amounts to.
#[derive(Default)]
struct Size {
    values: u64,
    bytes: u64,
}

impl Budget {
    /// Takes work away.
    pub fn spend(&self, work: u64) -> Result<(), Error> {
        let take = |left: u64| left.checked_sub(work);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(()),
            Err(_) => Err(refuse("the template takes too much work")),
        }
    }

    /// Checks a text of some bytes before it is made.
    pub fn text(&self, bytes: usize) -> Result<(), Error> {
        if bytes as u64 > LARGEST {
            return Err(refuse("the template makes too long a text"));
        }
        self.spend(bytes as u64 + NODE)
    }

    /// Checks a list of some values, whose own size is known to be fine.
    pub fn list(&self, values: usize) -> Result<(), Error> {
        if values as u64 > MOST {
            return Err(refuse("the template makes too long a list"));
        }
        self.spend((values as u64 + 1) * NODE)
    }

    /// Checks a value and everything inside it.
    pub fn value(&self, value: &Value) -> Result<(), Error> {
        self.visit(value, 0, &mut Size::default())
    }

    /// Checks several values together.
    pub fn values<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Result<(), Error> {
        let mut size = Size::default();
        values.into_iter().try_for_each(|value| self.visit(value, 1, &mut size))
    }

    fn visit(&self, value: &Value, depth: usize, size: &mut Size) -> Result<(), Error> {
        size.values += 1;
        size.bytes += value.as_str().map_or(0, str::len) as u64;
        if size.values > MOST || size.bytes > LARGEST || depth > DEEPEST {
            return Err(refuse("the template makes too large a value"));
        }
        self.spend(NODE + value.as_str().map_or(0, str::len) as u64)?;
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                value.try_iter()?.try_for_each(|item| self.visit(&item, depth + 1, size))
            }
            ValueKind::Map if is_data(value) => {
                let pairs = value.as_object().and_then(|object| object.try_iter_pairs());
                pairs.into_iter().flatten().try_for_each(|(key, item)| {
                    self.visit(&key, depth + 1, size)?;
                    self.visit(&item, depth + 1, size)
                })
            }
            ValueKind::Map | ValueKind::Plain => Err(refuse("a namespace, macro or loop cannot be used as a value")),
            _ => Ok(()),
        }
    }

    /// Keeps the message of `raise_exception`.
    pub fn raise(&self, message: String) -> Error {
        if let Ok(mut raised) = self.raised.lock() {
            *raised = Some(message.clone());
        }
        refuse(message)
    }

    /// The message of `raise_exception`.
    pub fn raised(&self) -> Option<String> {
        self.raised.lock().ok()?.clone()
    }
}

/// Whether a map holds data. A namespace can change after it was measured, even to contain itself.
fn is_data(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        let name = object.type_name();
        object.repr() != ObjectRepr::Plain
            && !["Namespace", "Loop", "Macro", "Closure"].iter().any(|kind| name.ends_with(kind))
    })
}

/// An error of ours inside the engine.
pub(super) fn refuse(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}
