//! Handles to pictures: values [B, H, W, C], channels last, so that a norm over channels is a norm over the last axis
//! and a window's elements follow each other.

use crate::{Act, Bias, Dim, Op, Reduce, Scope, Stored, Var, Window};

impl<'g> Var<'g> {
    /// From channels first to channels last: `[B, C, H, W]` gives `[B, H, W, C]`.
    #[track_caller]
    pub fn channels_last(self) -> Var<'g> {
        self.permute([0, 2, 3, 1])
    }

    /// From channels last to channels first: `[B, H, W, C]` gives `[B, C, H, W]`.
    #[track_caller]
    pub fn channels_first(self) -> Var<'g> {
        self.permute([0, 3, 1, 2])
    }

    /// What a window sees at each place: `[B, H, W, C]` gives `[B, H', W', kh·kw·C]`.
    #[track_caller]
    pub fn unfold(self, window: Window) -> Var<'g> {
        self.apply(Op::Unfold(window), &[])
    }

    /// The sum of what windows hold: `[B, H', W', kh·kw·C]` gives `[B, H, W, C]`.
    #[track_caller]
    pub fn fold(self, window: Window, size: [usize; 2]) -> Var<'g> {
        self.apply(Op::Fold { window, size }, &[])
    }

    /// Convolution with `weight` [n, C, kh, kw] and `bias` [n] at `at`: `[B, H, W, C]` gives `[B, H', W', n]`. It is a
    /// projection of what the window sees, so that it has the kernels, types and gradients of projections.
    #[track_caller]
    pub fn conv2d(self, at: &Scope<'g>, n: usize, window: Window, bias: Bias, act: Option<Act>) -> Var<'g> {
        let whole = window == Window::square(1, 1, 0);
        let seen = if whole { self } else { self.unfold(window) };
        seen.project(at, n, bias, act, Stored::Kernel(window.kernel))
    }

    /// Convolution of each channel by itself, with `weight` [C, 1, kh, kw] and `bias` [C] at `at`: `[B, H, W, C]` gives
    /// `[B, H', W', C]`.
    #[track_caller]
    pub fn depthwise(self, at: &Scope<'g>, window: Window, bias: Bias, act: Option<Act>) -> Var<'g> {
        let channels = self.shape().last_known().unwrap_or(0);
        let weight = at.tensor("weight", [window.taps(), channels], Stored::TurnedKernel(window.kernel));
        match bias {
            Bias::None => self.apply(Op::Depthwise { window, bias, act }, &[weight]),
            Bias::Add => self.apply(Op::Depthwise { window, bias, act }, &[weight, at.bias(channels)]),
        }
    }

    /// Convolution in `groups` of channels with `weight` [n, C / groups, kh, kw] and `bias` [n] at `at`.
    #[track_caller]
    pub fn grouped_conv2d(self, at: &Scope<'g>, n: usize, groups: usize, window: Window, bias: Bias) -> Var<'g> {
        let channels = self.shape().last_known().unwrap_or(0);
        let (c, each, taps) = (channels / groups.max(1), n / groups.max(1), window.taps());
        let weight = at.tensor("weight", [n, taps * c], Stored::Kernel(window.kernel));
        let part = |i: usize| {
            let seen = self.slice(3, i * c, c).unfold(window);
            seen.linear_with(weight.slice(0, i * each, each)) // [B, H', W', n / groups]
        };
        let rest: Vec<Var<'g>> = (1..groups).map(part).collect();
        let joined = part(0).concat(&rest, 3);
        if bias == Bias::Add { joined + at.bias(n) } else { joined }
    }

    /// Transposed convolution with `weight` [C, n, kh, kw] and `bias` [n] at `at`, the gradient of a convolution that
    /// slides in the same way: `[B, H, W, C]` gives `[B, H', W', n]`, whose last `more` rows and columns no window need
    /// reach.
    #[track_caller]
    pub fn conv_transpose2d(self, at: &Scope<'g>, n: usize, window: Window, more: [usize; 2], bias: Bias) -> Var<'g> {
        let channels = self.shape().last_known().unwrap_or(0);
        let weight = at.tensor("weight", [window.taps() * n, channels], Stored::TurnedKernel(window.kernel));
        let size = [0, 1].map(|i| {
            let places = self.dim(i + 1).known().unwrap_or(1).max(1);
            let span = window.dilation[i] * window.kernel[i].saturating_sub(1) + 1 + more[i];
            ((places - 1) * window.stride[i] + span).saturating_sub(2 * window.padding[i])
        });
        let spread = self.linear_with(weight).fold(window, size);
        if bias == Bias::Add { spread + at.bias(n) } else { spread }
    }

    /// The largest of each channel in a window without padding: `[B, H, W, C]` gives `[B, H', W', C]`.
    #[track_caller]
    pub fn max_pool2d(self, window: Window) -> Var<'g> {
        let seen = self.unfold(window);
        let [b, h, w] = [0, 1, 2].map(|axis| seen.dim(axis));
        let split = seen.reshape([b.clone(), h.clone(), w.clone(), window.taps().into(), self.dim(3)]);
        split.permute([0, 1, 2, 4, 3]).reduce(Reduce::Max).reshape([b, h, w, self.dim(3)])
    }

    /// Cuts pictures into square windows, zeros at the lower and right edge where they do not fit: `[B, H, W, C]` gives
    /// `[B·n, size, size, C]`.
    #[track_caller]
    pub fn partition(self, size: usize) -> Var<'g> {
        let [h, w] = self.height_width().map(|n| n.next_multiple_of(size));
        let x = self.pad_end(1, h).pad_end(2, w);
        let (b, c) = (x.dim(0), x.dim(3));
        let (down, across) = (h / size, w / size);
        let cut = x.reshape([b.clone(), down.into(), size.into(), across.into(), size.into(), c.clone()]);
        let windows = b * Dim::from(down * across);
        cut.permute([0, 1, 3, 2, 4, 5]).reshape([windows, size.into(), size.into(), c])
    }

    /// The reverse of [`Var::partition`], for pictures of `h` by `w`.
    #[track_caller]
    pub fn unpartition(self, batch: Dim, [h, w]: [usize; 2]) -> Var<'g> {
        let (size, c) = (self.dim(1).known().unwrap_or(1).max(1), self.dim(3));
        let (down, across) = (h.div_ceil(size), w.div_ceil(size));
        let cut = self.reshape([batch.clone(), down.into(), across.into(), size.into(), size.into(), c.clone()]);
        let whole = cut.permute([0, 1, 3, 2, 4, 5]).reshape([batch, (down * size).into(), (across * size).into(), c]);
        whole.keep(1, h).keep(2, w)
    }

    /// Height and width of [B, H, W, C], which are known when a graph is built.
    pub fn height_width(self) -> [usize; 2] {
        [1, 2].map(|axis| self.dim(axis).known().unwrap_or(1))
    }

    #[track_caller]
    fn pad_end(self, axis: usize, size: usize) -> Var<'g> {
        if self.dim(axis) == Dim::from(size) { self } else { self.pad(axis, 0, size) }
    }

    #[track_caller]
    fn keep(self, axis: usize, len: usize) -> Var<'g> {
        if self.dim(axis) == Dim::from(len) { self } else { self.slice(axis, 0, len) }
    }
}
