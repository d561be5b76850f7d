//! The container before 1.6: pickles of a magic number, a version, the system, the object and the names of its storages,
//! then each storage with its length in front.

use std::collections::HashMap;
use std::ops::Range;

use super::pickle::Machine;
use super::state::{State, Stored};
use super::value::Node;
use super::{Broken, LONGEST, zip::Window};
use crate::{Bytes, Error};

/// How much is read at first; most descriptions are shorter.
const FIRST: u64 = 1 << 20;

/// What the pickles say.
struct Described {
    state: State,
    /// The names of all storages in the order of the file, and bytes of a value of each.
    storages: Vec<(String, u64)>,
    end: u64,
}

/// The tensors, and where the storages lie that they name.
pub(super) async fn read(file: &dyn Bytes) -> Result<(Vec<Stored>, Vec<Range<u64>>), Error> {
    let most = file.len().min(LONGEST);
    let mut len = FIRST.min(most);
    let described = loop {
        let data = file.read(0..len).await?;
        match describe(&data) {
            Ok(described) => break described,
            Err(Broken::Short) if len < most => len = (8 * len).min(most),
            Err(broken) => return Err(broken.of(file, 0)),
        }
    };
    let mut places = HashMap::new();
    let (mut window, mut at) = (Window::new(file), described.end);
    for (key, bytes) in described.storages {
        let numel = window.read(at, 8).await?.as_chunks().0.first().map_or(0, |numel| u64::from_le_bytes(*numel));
        let start = at + 8;
        let end = numel.checked_mul(bytes).and_then(|bytes| start.checked_add(bytes)).filter(|end| *end <= file.len());
        let Some(end) = end else {
            return Err(Error::damaged(
                file.name(),
                at,
                format!("storage {key} of {numel} values does not lie in the file"),
            ));
        };
        places.insert(key, start..end);
        at = end;
    }
    let missing = |key: &String| Error::damaged(file.name(), described.end, format!("there is no storage {key}"));
    let find = |key: &String| places.get(key).cloned().ok_or_else(|| missing(key));
    let storages = described.state.keys.iter().map(find).collect::<Result<_, _>>()?;
    Ok((described.state.tensors, storages))
}

fn describe(data: &[u8]) -> Result<Described, Broken> {
    let mut machine = Machine::new(data);
    machine.run()?;
    machine.run()?;
    let system = machine.run()?;
    if let Node::Dict(items) = machine.node(system) {
        let order = items.iter().find(|(key, _)| machine.text(*key) == Some("little_endian"));
        if order.is_some_and(|(_, value)| matches!(machine.node(*value), Node::Bool(false))) {
            return Err(Broken::Unsupported("its values are not in little-endian order".into()));
        }
    }
    let root = machine.run()?;
    let at = machine.at();
    let names = machine.run()?;
    let state = State::find(&machine, root)?;
    let Node::List(names) = machine.node(names) else {
        return Err(Broken::Damaged(at, "the names of the storages are no list".into()));
    };
    let sizes: HashMap<&str, u64> =
        machine.storages().filter_map(|s| Some((machine.text(s.key)?, s.element.bytes))).collect();
    let named = |id: &usize| {
        let name = machine.text(*id)?;
        Some((name.to_string(), *sizes.get(name)?))
    };
    let storages: Option<Vec<_>> = names.iter().map(named).collect();
    let storages = storages.ok_or_else(|| Broken::Damaged(at, "a storage has no type".into()))?;
    Ok(Described { state, storages, end: machine.at() as u64 })
}
