//! One run: inputs in, one submit, results out by one readback.

use graph::{DType, Data, Symbols, Tensor};

use crate::engine::{Engine, Gpu};
use crate::plan::Plan;
use crate::program::{Program, data_bytes};
use crate::values::Home;
use crate::{Error, Session, readback};

/// A result on its way out.
struct Wanted {
    shape: Vec<usize>,
    dtype: DType,
    bytes: u64,
    /// Its place in the staging buffer.
    offset: u64,
}

impl Engine {
    /// Runs a program; the results come in the order of the graph's outputs. A program with caches needs a session and
    /// the input `past`: tokens behind `past` are forgotten first.
    ///
    /// # Errors
    /// Inputs do not fit, the session is full, a limit is exceeded, or the device is lost.
    pub async fn run(
        &self,
        program: &mut Program,
        session: Option<&mut Session>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        let gpu = &*self.gpu;
        gpu.check()?;
        let past = past_lengths(program, inputs)?;
        let longest = past.iter().copied().max().unwrap_or(0);
        let symbols = match &program.past {
            Some(_) => Symbols::new().with('P', usize::try_from(longest).unwrap_or(0)),
            None => Symbols::new(),
        };
        let kept = session.as_ref().map(|session| session.forms()).unwrap_or_default();
        let kept = kept.iter().map(|(name, form)| (name.as_str(), form));
        let symbols = program.graph.bind(symbols, &kept.chain(inputs.iter().copied()).collect::<Vec<_>>())?;
        let tokens = program.past.as_ref().map_or(Ok(0), |past| past.tokens.eval(&symbols))?;
        let sizes = program.relevant(&symbols, usize::try_from(longest).unwrap_or(0) + tokens);
        let mut plan = program.take_plan(gpu, &sizes)?;
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let session = match advance(gpu, program, session, &symbols, &past, &mut encoder) {
            Ok(session) => session,
            Err(error) => {
                // Pages that were given to rows before the error must still receive their copies.
                gpu.queue.submit([encoder.finish()]);
                program.keep(plan);
                return Err(error);
            }
        };
        plan.update(gpu, &program.context(&sizes, &plan.class.clone(), gpu))?;
        upload(gpu, program, &plan, inputs, session, &mut encoder);
        plan.encode(&mut encoder, |state, access| session.map(|s| s.group(state.0 as usize, access)));
        let (wanted, bytes) = wanted(program, &symbols)?;
        plan.readback_bytes = bytes;
        let staging = staging(gpu, &mut plan, bytes)?;
        copy_out(program, &plan, &wanted, &staging, &mut encoder)?;
        gpu.queue.submit([encoder.finish()]);
        // The plan goes back before the wait: an abandoned run costs its staging buffer only.
        program.keep(plan);
        let results =
            readback::read(gpu, &staging, bytes, |bytes| wanted.iter().map(|w| tensor(w, bytes)).collect()).await?;
        program.return_staging(staging);
        Ok(results)
    }
}

fn past_lengths(program: &Program, inputs: &[(&str, &Tensor)]) -> Result<Vec<i32>, Error> {
    let Some(past) = &program.past else { return Ok(Vec::new()) };
    match inputs.iter().find(|(name, _)| *name == past.input) {
        Some((_, tensor)) => Ok(tensor.as_i32()?.to_vec()),
        None => Err(graph::Error::Input { name: past.input.clone(), reason: "is not given".into() }.into()),
    }
}

/// Makes room in the session and uploads its page table.
fn advance<'s>(
    gpu: &Gpu,
    program: &Program,
    session: Option<&'s mut Session>,
    symbols: &Symbols,
    past: &[i32],
    encoder: &mut wgpu::CommandEncoder,
) -> Result<Option<&'s Session>, Error> {
    // One without caches reads at most what the session keeps.
    let Some(wanted) = &program.past else { return Ok(session.map(|session| &*session)) };
    let Some(session) = session else { return Err(Error::Session { reason: "this program needs one".into() }) };
    let same = |(a, b): (&graph::StateSpec, &graph::StateSpec)| a.n_kv_head == b.n_kv_head && a.head_dim == b.head_dim;
    let (states, held) = (&program.graph.states, session.specs());
    if states.len() != held.len() || !states.iter().zip(held).all(same) {
        return Err(Error::Session { reason: "its states are not those of the program".into() });
    }
    let tokens = wanted.tokens.eval(symbols)?;
    session.advance(past, tokens, encoder)?;
    let longest = past.iter().copied().max().unwrap_or(0);
    session.upload(&gpu.queue, usize::try_from(longest).unwrap_or(0) + tokens);
    Ok(Some(session))
}

/// Brings inputs to their places: those that are given, else those that the session keeps on the device.
fn upload(
    gpu: &Gpu,
    program: &Program,
    plan: &Plan,
    inputs: &[(&str, &Tensor)],
    session: Option<&Session>,
    encoder: &mut wgpu::CommandEncoder,
) {
    for (i, slot) in program.values.slots.iter().enumerate() {
        let graph::Op::Input { name } = &program.graph.node(slot.node).op else { continue };
        let (buffer, place) = plan.place(i);
        if let Some((_, tensor)) = inputs.iter().rfind(|(given, _)| given == name) {
            if !tensor.is_empty() {
                gpu.queue.write_buffer(buffer, place.offset, data_bytes(&tensor.data));
            }
        } else if let Some((kept, bytes)) = session.and_then(|session| session.kept(name)).filter(|(_, n)| *n > 0) {
            encoder.copy_buffer_to_buffer(kept, 0, buffer, place.offset, Some(bytes));
        }
    }
}

/// The results and the bytes of all.
fn wanted(program: &Program, symbols: &Symbols) -> Result<(Vec<Wanted>, u64), Error> {
    let mut offset = 0;
    let mut list = Vec::with_capacity(program.graph.outputs.len());
    for output in &program.graph.outputs {
        let ty = program.graph.value(output.port);
        let shape = ty.shape.eval(symbols)?;
        let bytes = 4 * shape.iter().product::<usize>() as u64;
        list.push(Wanted { shape, dtype: ty.dtype, bytes, offset });
        offset += bytes;
    }
    // A map needs a size above zero.
    Ok((list, offset.max(4)))
}

/// The plan's staging buffer, made anew if there is none or it is too small.
fn staging(gpu: &Gpu, plan: &mut Plan, bytes: u64) -> Result<wgpu::Buffer, Error> {
    if let Some(buffer) = plan.staging.take().filter(|b| b.size() >= bytes) {
        return Ok(buffer);
    }
    let limit = gpu.limits.max_buffer_size;
    if bytes > limit {
        return Err(Error::Limit { what: "results of a run".into(), bytes, limit, name: "maxBufferSize" });
    }
    let size = bytes.next_power_of_two().min(limit);
    let buffer = gpu.buffer(&wgpu::BufferDescriptor {
        label: Some("results"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.check()?;
    Ok(buffer)
}

fn copy_out(
    program: &Program,
    plan: &Plan,
    wanted: &[Wanted],
    staging: &wgpu::Buffer,
    encoder: &mut wgpu::CommandEncoder,
) -> Result<(), Error> {
    for (output, wanted) in program.graph.outputs.iter().zip(wanted).filter(|(_, w)| w.bytes > 0) {
        let (buffer, offset) = match program.values.home(output.port) {
            Some(Home::Slot(slot)) => {
                let (buffer, place) = plan.place(slot);
                (buffer, place.offset)
            }
            Some(home) => (program.fixed(home)?, 0),
            None => return Err(Error::Refused { reason: format!("output {} has no place", output.name) }),
        };
        encoder.copy_buffer_to_buffer(buffer, offset, staging, wanted.offset, Some(wanted.bytes));
    }
    Ok(())
}

fn tensor(wanted: &Wanted, bytes: &[u8]) -> Tensor {
    let bytes = &bytes[wanted.offset as usize..(wanted.offset + wanted.bytes) as usize];
    let data = match wanted.dtype {
        DType::F32 => Data::F32(bytemuck::pod_collect_to_vec(bytes)),
        DType::I32 => Data::I32(bytemuck::pod_collect_to_vec(bytes)),
    };
    Tensor { shape: wanted.shape.clone(), data }
}
