//! A plan: a program's arenas, pipelines and bind groups for one class of shapes. A run rewrites parameters and inputs
//! and replays the steps; nothing is allocated and no pipeline is made.

use std::sync::Arc;

use graph::{NodeId, Port, StateId, Symbols};

use crate::Error;
use crate::arena::{Arenas, Place};
use crate::engine::{Gpu, Pipeline};
use crate::kernels::{self, Buffer, Context, Dispatch};
use crate::program::Program;
use crate::shaders::{Access, Shader};
use crate::values::{Home, Slot};

/// Bytes between the parameters of two dispatches: WebGPU's alignment of dynamic offsets.
const PARAM_STRIDE: usize = 256;

/// One dispatch, ready to be encoded.
struct Step {
    pipeline: Arc<Pipeline>,
    group: wgpu::BindGroup,
    state: Option<(StateId, Access)>,
}

/// What is replayed.
pub(crate) struct Plan {
    /// The sizes that the arenas were made for.
    pub class: Symbols,
    arenas: Vec<wgpu::Buffer>,
    places: Vec<Place>,
    steps: Vec<Step>,
    params: wgpu::Buffer,
    /// The sizes whose parameters are on the device, and their grids.
    current: Option<(Symbols, Vec<[u32; 2]>)>,
    /// Where results are copied to; taken while it is mapped.
    pub staging: Option<wgpu::Buffer>,
    /// Bytes of weights that one run reads.
    pub weight_bytes: u64,
    /// Bytes of results that the last run copied back.
    pub readback_bytes: u64,
}

impl Plan {
    /// A plan for runs with the sizes `class` or less.
    ///
    /// # Errors
    /// A value is larger than a binding may be, memory ran out, or a node has no kernel.
    pub fn new(gpu: &Gpu, program: &Program, class: &Symbols, symbols: &Symbols) -> Result<Self, Error> {
        let (places, sizes) = place_values(gpu, program, class)?;
        let arenas = sizes.iter().map(|size| gpu.storage("activations", *size)).collect::<Result<Vec<_>, _>>()?;
        let context = program.context(symbols, class, gpu);
        let mut dispatches = Vec::new();
        for unit in &program.units {
            dispatches.extend(kernels::dispatches(&context, unit)?);
        }
        let params = gpu.buffer(&wgpu::BufferDescriptor {
            label: Some("parameters"),
            size: (dispatches.len().max(1) * PARAM_STRIDE) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut plan = Self {
            class: class.clone(),
            arenas,
            places,
            steps: Vec::with_capacity(dispatches.len()),
            params,
            current: None,
            staging: None,
            weight_bytes: dispatches.iter().map(|d| d.weight_bytes).sum(),
            readback_bytes: 0,
        };
        for dispatch in &dispatches {
            let step = plan.step(gpu, program, dispatch)?;
            plan.steps.push(step);
        }
        gpu.check()?;
        Ok(plan)
    }

    /// The number of dispatches.
    pub fn dispatches(&self) -> usize {
        self.steps.len()
    }

    /// Bytes of the arenas.
    pub fn bytes(&self) -> u64 {
        self.arenas.iter().map(wgpu::Buffer::size).sum()
    }

    /// Where a slot lies.
    pub fn place(&self, slot: usize) -> (&wgpu::Buffer, Place) {
        let place = self.places[slot];
        (&self.arenas[place.arena], place)
    }

    fn step(&self, gpu: &Gpu, program: &Program, dispatch: &Dispatch) -> Result<Step, Error> {
        let pipeline = gpu.pipeline(dispatch.shader);
        let source = dispatch.shader.source();
        let own = source.bindings.iter().filter(|b| b.group == 0 && b.access != Access::Uniform);
        let mut entries = vec![wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.params,
                offset: 0,
                size: wgpu::BufferSize::new(PARAM_STRIDE as u64),
            }),
        }];
        for (binding, buffer) in own.zip(&dispatch.buffers) {
            let resource = self.resource(gpu, program, *buffer)?;
            entries.push(wgpu::BindGroupEntry { binding: binding.binding, resource });
        }
        let group = gpu.bind_group(&wgpu::BindGroupDescriptor {
            label: Some(source.name),
            layout: &pipeline.layout,
            entries: &entries,
        });
        Ok(Step { pipeline, group, state: dispatch.state })
    }

    fn resource<'a>(
        &'a self,
        gpu: &'a Gpu,
        program: &'a Program,
        buffer: Buffer,
    ) -> Result<wgpu::BindingResource<'a>, Error> {
        let port = match buffer {
            Buffer::Nothing => return Ok(gpu.nothing.as_entire_binding()),
            Buffer::Nowhere(half) => return Ok(gpu.nowhere(half)),
            Buffer::Bias(first) => return program.bias(first).map(wgpu::Buffer::as_entire_binding),
            Buffer::Part(id, part) => {
                return Ok(program.weights[id.0 as usize].parts[part].buffer.as_entire_binding());
            }
            Buffer::Scratch(node, i) => {
                let missing = || Error::Refused { reason: format!("node {} has no scratch {i}", node.0) };
                return program.values.scratch(node, i).map(|slot| self.slot(slot)).ok_or_else(missing);
            }
            Buffer::Value(port) => port,
        };
        match program.values.home(port) {
            Some(Home::Slot(slot)) => Ok(self.slot(slot)),
            Some(home) => Ok(program.fixed(home)?.as_entire_binding()),
            None => {
                let op = program.graph.node(port.node).op.name();
                Err(Error::Unsupported { op, node: port.node.0, reason: "its value lies in the cache only".into() })
            }
        }
    }

    fn slot(&self, slot: usize) -> wgpu::BindingResource<'_> {
        let (buffer, place) = self.place(slot);
        let size = wgpu::BufferSize::new(place.size);
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: place.offset, size })
    }

    /// Brings parameters and grids to the sizes of this run.
    ///
    /// # Errors
    /// A dispatch needs more workgroups than the device allows.
    pub fn update(&mut self, gpu: &Gpu, context: &Context<'_>) -> Result<(), Error> {
        if self.current.as_ref().is_some_and(|(symbols, _)| symbols == context.symbols) {
            return Ok(());
        }
        let mut words = vec![0u8; self.steps.len() * PARAM_STRIDE];
        let mut grids = Vec::with_capacity(self.steps.len());
        for unit in context.units {
            for dispatch in kernels::dispatches(context, unit)? {
                let start = grids.len() * PARAM_STRIDE;
                let bytes: &[u8] = bytemuck::cast_slice(&dispatch.params);
                words[start..start + bytes.len()].copy_from_slice(bytes);
                grids.push(fold(gpu, dispatch.shader, dispatch.groups)?);
            }
        }
        if !words.is_empty() {
            gpu.queue.write_buffer(&self.params, 0, &words);
        }
        self.current = Some((context.symbols.clone(), grids));
        Ok(())
    }

    /// Encodes all steps into one pass; `group` gives the session's bind groups.
    pub fn encode<'s>(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        group: impl Fn(StateId, Access) -> Option<&'s wgpu::BindGroup>,
    ) {
        let Some((_, grids)) = &self.current else { return };
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (i, (step, grid)) in self.steps.iter().zip(grids).enumerate() {
            if grid.contains(&0) {
                continue;
            }
            pass.set_pipeline(&step.pipeline.pipeline);
            pass.set_bind_group(0, &step.group, &[(i * PARAM_STRIDE) as u32]);
            if let Some((state, access)) = step.state {
                pass.set_bind_group(1, group(state, access), &[]);
            }
            pass.dispatch_workgroups(grid[0], grid[1], 1);
        }
    }

    /// Whether every value of a run with these sizes fits its place.
    pub fn holds(&self, program: &Program, symbols: &Symbols) -> Result<bool, Error> {
        for (slot, place) in program.values.slots.iter().zip(&self.places) {
            if bytes(slot, symbols)? > place.size {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn bytes(slot: &Slot, symbols: &Symbols) -> Result<u64, Error> {
    Ok((slot.elements.eval(symbols)? as u64).saturating_mul(4))
}

/// The place of each slot and the size of each arena.
fn place_values(gpu: &Gpu, program: &Program, class: &Symbols) -> Result<(Vec<Place>, Vec<u64>), Error> {
    let limit = gpu.max_binding();
    let slots = &program.values.slots;
    let mut arenas = Arenas::new(gpu.limits.max_buffer_size);
    let mut places = vec![Place::default(); slots.len()];
    let mut born: Vec<Vec<usize>> = vec![Vec::new(); program.units.len()];
    let mut dead = born.clone();
    for (i, slot) in slots.iter().enumerate() {
        born[slot.first].push(i);
        if let Some(dead) = dead.get_mut(slot.last) {
            dead.push(i);
        }
    }
    for (i, unit) in program.units.iter().enumerate() {
        let nodes = unit.nodes();
        let slot_of = |port: &Port| match program.values.home(*port) {
            Some(Home::Slot(slot)) => Some(slot),
            _ => None,
        };
        let read = nodes.iter().flat_map(|id| &program.graph.node(*id).inputs).filter_map(slot_of);
        // What is born in this unit is not read by another of its dispatches, but placed here.
        let mut apart: Vec<usize> =
            read.filter(|slot| !born[i].contains(slot)).map(|slot| places[slot].arena).collect();
        // Results may share an arena with each other, but not with scratch.
        let mut beside = Vec::new();
        for slot in &born[i] {
            let size = bytes(&slots[*slot], class)?;
            if size > limit {
                let what = value_name(program, slots[*slot].node);
                return Err(Error::Limit { what, bytes: size, limit, name: "maxStorageBufferBindingSize" });
            }
            if slots[*slot].scratch {
                apart.append(&mut beside);
            }
            places[*slot] = arenas.take(size, &apart);
            beside.push(places[*slot].arena);
        }
        for slot in &dead[i] {
            arenas.release(places[*slot]);
        }
    }
    let sizes = arenas.sizes().collect();
    Ok((places, sizes))
}

fn value_name(program: &Program, id: NodeId) -> String {
    let node = program.graph.node(id);
    format!("result {} of {} at node {}", node.outputs[0].shape, node.op.name(), id.0)
}

/// Workgroups in two dimensions.
fn fold(gpu: &Gpu, shader: Shader, groups: u64) -> Result<[u32; 2], Error> {
    let limit = u64::from(gpu.limits.max_compute_workgroups_per_dimension);
    let x = groups.min(limit);
    let y = groups.div_ceil(x.max(1));
    if y > limit {
        let what = format!("a dispatch of {} ({groups} workgroups)", shader.source().name);
        return Err(Error::Limit { what, bytes: y, limit, name: "maxComputeWorkgroupsPerDimension" });
    }
    Ok([x as u32, y as u32])
}
