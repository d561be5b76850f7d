//! One GGUF file a model: the checkpoint's own tensor names, and its configuration and tokenizer inside.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use format::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use format::{Dtype, QuantType, TensorInfo};
use graph::{Graph, Op, Stored, WeightSpec};
use models::{Call, Mask};

use crate::files::BINARIES;
use crate::found::{Found, decode, transposed};
use crate::package::Package;
use crate::{Adapter, Error, Progress};

/// Texts that go into the file.
const TEXTS: [&str; 18] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/tool_use.jinja",
    "modules.json",
    "1_Pooling/config.json",
    "preprocessor_config.json",
    "source_vocabulary.json",
    "target_vocabulary.json",
    "processor_config.json",
];

/// Says that matrices which checkpoints of the family keep as [K, N] are [N, K] here.
pub(crate) const TURNED: &str = "dynasty.turned";

/// What becomes of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The checkpoint's name.
    pub name: String,
    /// The type it is written in.
    pub ty: QuantType,
    /// The type that was wanted, where its rows do not divide into blocks.
    pub instead_of: Option<QuantType>,
}

/// Which type each tensor that the model reads is written in.
///
/// Projections get `ty`; embedding tables and the head, whose errors reach every token, at least Q8_0; norms and biases
/// stay F32. Rows that do not divide into blocks fall back to a finer type.
///
/// # Errors
/// A tensor is missing or has another shape than the configuration says.
pub fn plan(package: &Package, ty: QuantType) -> Result<Vec<Planned>, Error> {
    let graph = package.build_plain(&Call::forward(Mask::None))?;
    let found = package.find(&graph)?;
    let mut planned: BTreeMap<String, Planned> = BTreeMap::new();
    for (found, wanted) in found.into_iter().zip(wanted_types(&graph, ty)) {
        let Some(info) = package.checkpoint().tensor(&found.name) else { continue };
        let fitting = fitting(wanted, info.cols());
        let instead_of = (fitting != wanted).then_some(wanted);
        planned.insert(found.name.clone(), Planned { name: found.name, ty: fitting, instead_of });
    }
    Ok(planned.into_values().collect())
}

/// What a model and its adapters become in one file: weights with an adapter beside them in `ty`, all others as they are.
///
/// # Errors
/// As [`plan`].
pub fn merge_plan(package: &Package, ty: QuantType) -> Result<Vec<Planned>, Error> {
    let changed = changed(package)?;
    let same = |planned: Planned| match package.checkpoint().tensor(&planned.name).map(|info| info.dtype) {
        _ if changed.contains_key(&planned.name) => planned,
        Some(Dtype::Quant(own)) => Planned { ty: own, instead_of: None, ..planned },
        Some(_) | None => Planned { ty: QuantType::F32, instead_of: None, ..planned },
    };
    Ok(plan(package, ty)?.into_iter().map(same).collect())
}

/// Tensors to which adapters add something, each with the weights that it holds.
fn changed(package: &Package) -> Result<BTreeMap<String, Vec<(WeightSpec, Found)>>, Error> {
    let mut changed: BTreeMap<String, Vec<(WeightSpec, Found)>> = BTreeMap::new();
    let Some(adapter) = package.adapter() else { return Ok(changed) };
    let graph = package.build_plain(&Call::forward(Mask::None))?;
    let found = package.find(&graph)?;
    for (spec, found) in graph.weights.into_iter().zip(found).filter(|(spec, _)| adapter.changes(spec)) {
        changed.entry(found.name.clone()).or_default().push((spec, found));
    }
    Ok(changed)
}

/// The type that each weight of a graph should have, by its role.
pub(crate) fn wanted_types(graph: &Graph, ty: QuantType) -> Vec<QuantType> {
    let roles = roles(graph);
    let wanted = |spec: &WeightSpec| match roles.get(spec.name.as_str()) {
        _ if spec.shape.len() < 2 => QuantType::F32,
        Some(Role::Table) => finer(ty, QuantType::Q8_0),
        Some(Role::Filter) => finer(ty, QuantType::F16),
        Some(Role::Other) if spec.shape.iter().product::<usize>() < SMALL => QuantType::F32,
        Some(Role::Other) => finer(ty, QuantType::F16),
        Some(Role::Projection) | None => ty,
    };
    graph.weights.iter().map(wanted).collect()
}

/// How the names of heads end that yield a value for every token of the vocabulary.
const HEADS: [&str; 3] = ["lm_head.weight", "decoder.weight", "vocab_projector.weight"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Multiplies rows.
    Projection,
    /// Is read by rows.
    Table,
    /// Slides over pictures.
    Filter,
    /// Is read in other ways, as positions are.
    Other,
}

/// What is neither projection nor table and has fewer values stays as exact as it is.
const SMALL: usize = 1 << 16;

/// Tables are read by rows, perhaps by a tied head too. The untied head is a table's twin: it has as many rows.
fn roles(graph: &Graph) -> BTreeMap<&str, Role> {
    let mut tables = BTreeSet::new();
    let mut rows = BTreeSet::new();
    for node in graph.nodes.iter().filter(|n| n.op == Op::GatherRows) {
        if let Op::Weight(id) = graph.node(node.inputs[0].node).op {
            tables.insert(id);
            rows.insert(graph.weights[id.0 as usize].shape[0]);
        }
    }
    let multiplies = |node: &&graph::Node| matches!(node.op, Op::Linear { .. });
    let projection = |node: &graph::Node| match graph.node(node.inputs[1].node).op {
        Op::Weight(id) => Some(id),
        _ => None,
    };
    let projections: BTreeSet<_> = graph.nodes.iter().filter(multiplies).filter_map(projection).collect();
    let role = |(i, spec): (usize, &WeightSpec)| {
        let twin = spec.stored == Stored::AsDeclared && spec.shape.len() == 2 && rows.contains(&spec.shape[0]);
        let is_head = twin && HEADS.iter().any(|head| spec.name.ends_with(head));
        let id = graph::WeightId(i as u32);
        let role = match spec.stored {
            _ if tables.contains(&id) || is_head => Role::Table,
            Stored::Kernel(kernel) if kernel != [1, 1] => Role::Filter,
            Stored::TurnedKernel(_) => Role::Filter,
            _ if projections.contains(&id) => Role::Projection,
            _ => Role::Other,
        };
        (graph.weights[i].name.as_str(), role)
    };
    graph.weights.iter().enumerate().map(role).collect()
}

/// The finer of two types.
fn finer(ty: QuantType, limit: QuantType) -> QuantType {
    let bits = |t: QuantType| t.block_bytes() * 8 * 256 / t.block_len();
    if bits(ty) < bits(limit) { limit } else { ty }
}

/// `ty`, or the next finer type whose blocks divide rows of `cols`.
pub(crate) fn fitting(ty: QuantType, cols: usize) -> QuantType {
    let divides = |t: QuantType| cols.is_multiple_of(t.block_len());
    match ty {
        _ if divides(ty) => ty,
        _ if divides(QuantType::Q8_0) => QuantType::Q8_0,
        _ => QuantType::F16,
    }
}

/// Writes the file into what `begin` makes of its header. What adapters add is in its weights.
///
/// # Errors
/// A tensor cannot be read or encoded, or the sink fails.
pub async fn quantize<W: Write>(
    package: &Package,
    planned: &[Planned],
    begin: impl FnOnce(&Metadata, &[TensorSpec]) -> Result<Writer<W>, format::Error>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Writer<W>, Error> {
    let infos: Vec<(&Planned, &TensorInfo)> =
        planned.iter().filter_map(|p| package.checkpoint().tensor(&p.name).map(|info| (p, info))).collect();
    let spec = |(p, info): &(&Planned, &TensorInfo)| TensorSpec {
        name: p.name.clone(),
        shape: info.shape.clone(),
        dtype: Dtype::Quant(p.ty),
    };
    let mut writer = begin(&metadata(package).await?, &infos.iter().map(spec).collect::<Vec<_>>())?;
    let changed = changed(package)?;
    let total = infos.iter().map(|(_, info)| info.bytes).sum();
    let mut done = 0;
    for (p, info) in infos {
        match (changed.get(&p.name), package.adapter()) {
            (Some(weights), Some(adapter)) => {
                let values = merged(package, adapter, &p.name, weights).await?;
                let mut encoded = Vec::new();
                format::encode(p.ty, &values, &mut encoded)?;
                writer.append(&encoded)?;
            }
            _ => write_tensor(package, p, info, &mut writer).await?,
        }
        done += info.bytes;
        progress(Progress::Load { done, total });
    }
    Ok(writer)
}

/// Values encoded at once.
const BATCH: usize = 1 << 20;

async fn write_tensor<W: Write>(
    package: &Package,
    p: &Planned,
    info: &TensorInfo,
    writer: &mut Writer<W>,
) -> Result<(), Error> {
    let checkpoint = package.checkpoint();
    if info.dtype == Dtype::Quant(p.ty) {
        return Ok(writer.append(&checkpoint.read(&p.name).await?)?);
    }
    let step = (BATCH / info.cols().max(1)).max(1);
    for first in (0..info.rows()).step_by(step) {
        let rows = first..info.rows().min(first + step);
        let bytes = checkpoint.read_rows(&p.name, rows.clone()).await?;
        let values = decode(info, rows.len() * info.cols(), &bytes)?;
        let mut encoded = Vec::new();
        format::encode(p.ty, &values, &mut encoded)?;
        writer.append(&encoded)?;
    }
    Ok(())
}

/// A tensor with what adapters add to the weights that it holds.
async fn merged(
    package: &Package,
    adapter: &Adapter,
    name: &str,
    weights: &[(WeightSpec, Found)],
) -> Result<Vec<f32>, Error> {
    let (_, mut values) = package.checkpoint().read_f32(name).await?;
    for (spec, found) in weights {
        let Some(mut more) = adapter.difference(spec).await? else { continue };
        let [n, k] = [spec.shape[0], spec.shape[1]];
        if found.stored == Stored::Transposed {
            more = transposed(&more, k, n);
        }
        let start = found.rows.as_ref().map_or(0, |rows| rows.start * k);
        values[start..].iter_mut().zip(more).for_each(|(value, more)| *value += more);
    }
    Ok(values)
}

async fn metadata(package: &Package) -> Result<Metadata, Error> {
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", Value::String("dynasty".into()));
    metadata.insert("general.name", Value::String(short_name(&package.name())));
    metadata.insert("general.quantization_version", Value::U32(2));
    if package.files.turned() {
        metadata.insert(TURNED, Value::Bool(true));
    }
    let own = package.files.metadata();
    for (key, value) in own.into_iter().flat_map(|m| &m.0).filter(|(key, _)| key.starts_with("tokenizer.")) {
        metadata.insert(key.clone(), value.clone());
    }
    for name in TEXTS {
        if let Some(text) = package.files.text(name).await? {
            metadata.insert(format!("dynasty.{name}"), Value::String(text));
        }
    }
    for name in BINARIES {
        if let Some(model) = package.files.binary(name).await? {
            metadata.insert(format!("dynasty.{name}"), Value::Array(Array::U8(model)));
        }
    }
    if metadata.get("dynasty.config.json").is_none() {
        metadata.insert("dynasty.config.json", Value::String(package.config.to_string()));
    }
    Ok(metadata)
}

/// The last part of a path.
fn short_name(path: &str) -> String {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(path).to_string()
}
