//! Key-value caches of one conversation or batch: physical pages per state and one page table.

use std::sync::Arc;

use graph::{Data, PAGE, PageCopy, PageTable, StateSpec, Tensor};

use crate::Error;
use crate::engine::{Engine, Gpu};
use crate::program::data_bytes;
use crate::shaders::{Access, Binding};

/// The pages of one state: keys and values [pages, 2, PAGE, G, D].
struct State {
    pages: wgpu::Buffer,
    page_bytes: u64,
    reading: wgpu::BindGroup,
    writing: wgpu::BindGroup,
}

/// The key-value caches of some rows.
pub struct Session {
    table: PageTable,
    table_buffer: wgpu::Buffer,
    specs: Vec<StateSpec>,
    states: Vec<State>,
    /// One page on its way from a shared page to a row's own: a buffer cannot be copied to itself.
    scratch: wgpu::Buffer,
    pages_per_row: usize,
    held: Vec<Held>,
}

/// An input that stays on the device from run to run.
struct Held {
    name: String,
    /// Its shape; the values are in the buffer alone.
    form: Tensor,
    buffer: wgpu::Buffer,
}

const fn bindings(pages: Access) -> [Binding; 2] {
    [Binding { group: 1, binding: 0, access: pages }, Binding { group: 1, binding: 1, access: Access::Read }]
}

impl Engine {
    /// Room for `rows` rows of `capacity` tokens in each of the `states`.
    ///
    /// # Errors
    /// A state is larger than a binding may be, or memory ran out.
    pub fn session(&self, states: &[StateSpec], rows: usize, capacity: usize) -> Result<Session, Error> {
        let gpu = &self.gpu;
        let pages_per_row = capacity.div_ceil(PAGE);
        let pages = PageTable::pages_for(rows, capacity);
        let words = rows.saturating_mul(1 + pages_per_row).saturating_add(2);
        let table_buffer = gpu.storage("page table", 4 * words as u64)?;
        let largest = states.iter().map(page_bytes).max().unwrap_or(0);
        let scratch = gpu.storage("page on its way", largest)?;
        let states_made = states.iter().map(|s| state(gpu, s, pages, &table_buffer)).collect::<Result<_, _>>()?;
        Ok(Session {
            table: PageTable::new(rows, pages),
            table_buffer,
            specs: states.to_vec(),
            states: states_made,
            scratch,
            pages_per_row,
            held: Vec::new(),
        })
    }

    /// Keeps inputs on the device: a run with this session that is not given them reads these. What was kept before is
    /// forgotten; its buffers are used again where they are large enough.
    ///
    /// # Errors
    /// Memory ran out.
    pub fn hold(&self, session: &mut Session, inputs: &[(&str, &Tensor)]) -> Result<(), Error> {
        let mut before = std::mem::take(&mut session.held);
        for (name, tensor) in inputs {
            let bytes = data_bytes(&tensor.data);
            let fits = |held: &Held| held.name == *name && held.buffer.size() >= bytes.len() as u64;
            let buffer = match before.iter().position(fits) {
                Some(at) => before.swap_remove(at).buffer,
                None => self.gpu.storage(name, bytes.len() as u64)?,
            };
            self.gpu.queue.write_buffer(&buffer, 0, bytes);
            let data = match tensor.data {
                Data::F32(_) => Data::F32(Vec::new()),
                Data::I32(_) => Data::I32(Vec::new()),
            };
            let form = Tensor { shape: tensor.shape.clone(), data };
            session.held.push(Held { name: (*name).to_string(), form, buffer });
        }
        Ok(())
    }
}

/// Bytes of the keys and values of a page.
fn page_bytes(spec: &StateSpec) -> u64 {
    8 * (PAGE as u64).saturating_mul(spec.n_kv_head as u64).saturating_mul(spec.head_dim as u64)
}

fn state(gpu: &Arc<Gpu>, spec: &StateSpec, pages: usize, table: &wgpu::Buffer) -> Result<State, Error> {
    let page_bytes = page_bytes(spec);
    let bytes = page_bytes.saturating_mul(pages as u64);
    let limit = gpu.max_binding();
    if bytes > limit {
        let what = format!("cache {} of {pages} pages of {PAGE} tokens", spec.name);
        return Err(Error::Limit { what, bytes, limit, name: "maxStorageBufferBindingSize" });
    }
    let buffer = gpu.storage(&spec.name, bytes)?;
    let group = |access| {
        gpu.bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&spec.name),
            layout: &gpu.layout(&bindings(access)),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: table.as_entire_binding() },
            ],
        })
    };
    let (reading, writing) = (group(Access::Read), group(Access::Write));
    Ok(State { pages: buffer, page_bytes, reading, writing })
}

impl Session {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// Tokens held in a row.
    pub fn len(&self, row: usize) -> usize {
        self.table.len(row)
    }

    /// Whether every row is empty.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Row `i` continues what row `parents[i]` held: the step of beam search. Nothing is copied.
    pub fn reorder(&mut self, parents: &[usize]) {
        self.table.reorder(parents);
    }

    /// Bytes of the caches and of kept inputs on the device.
    pub fn bytes(&self) -> u64 {
        let held: u64 = self.held.iter().map(|held| held.buffer.size()).sum();
        self.states.iter().map(|s| s.pages.size()).sum::<u64>() + held
    }

    /// The forms of the inputs that are kept on the device, without their values.
    pub(crate) fn forms(&self) -> Vec<(String, Tensor)> {
        self.held.iter().map(|held| (held.name.clone(), held.form.clone())).collect()
    }

    /// The buffer of an input that is kept, and its bytes.
    pub(crate) fn kept(&self, name: &str) -> Option<(&wgpu::Buffer, u64)> {
        let held = self.held.iter().find(|held| held.name == name)?;
        Some((&held.buffer, 4 * held.form.shape.iter().product::<usize>() as u64))
    }

    pub(crate) fn specs(&self) -> &[StateSpec] {
        &self.specs
    }

    pub(crate) fn group(&self, state: usize, access: Access) -> &wgpu::BindGroup {
        let state = &self.states[state];
        match access {
            Access::Write => &state.writing,
            Access::Read | Access::Uniform => &state.reading,
        }
    }

    /// Sets each row to `past[row]` tokens and makes room for `tokens` more; copies shared pages by `encoder`.
    ///
    /// # Errors
    /// A row holds fewer tokens than `past` says, or the pages do not suffice.
    pub(crate) fn advance(
        &mut self,
        past: &[i32],
        tokens: usize,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<(), Error> {
        let fail = |reason: String| Err(Error::Session { reason });
        if past.len() > self.table.rows() {
            return fail(format!("the run has {} rows, the session {}", past.len(), self.table.rows()));
        }
        let capacity = self.pages_per_row * PAGE;
        for (row, past) in past.iter().enumerate() {
            let held = self.table.len(row);
            let Some(past) = usize::try_from(*past).ok().filter(|p| *p <= held) else {
                return fail(format!("row {row} holds {held} tokens, the run continues after {past}"));
            };
            if past + tokens > capacity {
                return fail(format!("row {row} would hold {} tokens, there is room for {capacity}", past + tokens));
            }
        }
        for (row, past) in past.iter().enumerate() {
            self.table.truncate(row, *past as usize);
        }
        for row in 0..past.len() {
            if let Some(copy) = self.table.extend(row, tokens)? {
                self.copy(copy, encoder);
            }
        }
        Ok(())
    }

    fn copy(&self, copy: PageCopy, encoder: &mut wgpu::CommandEncoder) {
        for state in &self.states {
            let (from, to) = (u64::from(copy.from) * state.page_bytes, u64::from(copy.to) * state.page_bytes);
            encoder.copy_buffer_to_buffer(&state.pages, from, &self.scratch, 0, Some(state.page_bytes));
            encoder.copy_buffer_to_buffer(&self.scratch, 0, &state.pages, to, Some(state.page_bytes));
        }
    }

    /// Writes the page table; `longest` is P + T of the run.
    pub(crate) fn upload(&self, queue: &wgpu::Queue, longest: usize) {
        let mut words = vec![longest as u32, self.pages_per_row as u32];
        for row in 0..self.table.rows() {
            words.push(self.table.len(row) as u32);
            let pages = self.table.pages(row);
            words.extend_from_slice(pages);
            words.resize(words.len() + self.pages_per_row - pages.len(), 0);
        }
        queue.write_buffer(&self.table_buffer, 0, bytemuck::cast_slice(&words));
    }
}
