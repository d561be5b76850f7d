//! The JSON of a safetensors header, streamed into a table with bounds on everything that a file can make large.

use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The most tensors a file may describe. The largest published models have about a hundred thousand.
pub(crate) const MAX_TENSORS: usize = 1 << 18;

/// The most dimensions a tensor may have.
const MAX_RANK: usize = 16;

/// One tensor as the header has it.
#[derive(serde::Deserialize)]
pub(super) struct RawTensor {
    pub(super) dtype: String,
    pub(super) shape: Shape,
    pub(super) data_offsets: (u64, u64),
}

/// Dimensions, outermost first.
pub(super) struct Shape(pub(super) Vec<u64>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_seq(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut dims = Vec::new();
        while let Some(dim) = items.next_element()? {
            if dims.len() == MAX_RANK {
                return Err(de::Error::custom(format!("more than {MAX_RANK} dimensions")));
            }
            dims.push(dim);
        }
        Ok(Shape(dims))
    }
}

/// A map in its order, bounded, in which a repeated key is an error.
struct Table<V>(IndexMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Table<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Table<V>, D::Error> {
        deserializer.deserialize_map(TableVisitor(std::marker::PhantomData))
    }
}

struct TableVisitor<V>(std::marker::PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for TableVisitor<V> {
    type Value = Table<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Table<V>, A::Error> {
        let mut table = IndexMap::new();
        while let Some(key) = items.next_key::<String>()? {
            let value = items.next_value()?;
            if table.len() == MAX_TENSORS {
                return Err(de::Error::custom(format!("more than {MAX_TENSORS} entries")));
            }
            match table.entry(key) {
                Entry::Occupied(entry) => {
                    return Err(de::Error::custom(format!("the key {:?} comes twice", entry.key())));
                }
                Entry::Vacant(entry) => entry.insert(value),
            };
        }
        Ok(Table(table))
    }
}

/// A map of strings, as in `weight_map`.
pub(crate) struct StringMap(pub(crate) IndexMap<String, String>);

impl<'de> Deserialize<'de> for StringMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StringMap, D::Error> {
        Ok(StringMap(Table::deserialize(deserializer)?.0))
    }
}

/// The whole header: a tensor under every key but `__metadata__`.
struct Header(IndexMap<String, RawTensor>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one entry for each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Header, A::Error> {
        let (mut tensors, mut metadata) = (IndexMap::new(), false);
        while let Some(key) = items.next_key::<String>()? {
            if key == "__metadata__" {
                if std::mem::replace(&mut metadata, true) {
                    return Err(de::Error::custom("__metadata__ comes twice"));
                }
                // Free text that nothing here depends on; it is skipped without recursion.
                items.next_value::<IgnoredAny>()?;
                continue;
            }
            if tensors.len() == MAX_TENSORS {
                return Err(de::Error::custom(format!("more than {MAX_TENSORS} tensors")));
            }
            let tensor = items.next_value::<RawTensor>()?;
            if tensors.contains_key(&key) {
                return Err(de::Error::custom(format!("the tensor {key:?} comes twice")));
            }
            tensors.insert(key, tensor);
        }
        Ok(Header(tensors))
    }
}

/// Parses the header's JSON.
pub(super) fn parse(json: &[u8]) -> Result<IndexMap<String, RawTensor>, serde_json::Error> {
    Ok(serde_json::from_slice::<Header>(json)?.0)
}
