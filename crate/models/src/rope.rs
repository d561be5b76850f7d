//! Rotary frequencies: every published kind of scaling.
//!
//! Reference: `modeling_rope_utils.py` of transformers; YaRN (Peng et al. 2023, arXiv:2309.00071), LongRoPE (Ding et al.
//! 2024, arXiv:2402.13753), Llama 3.1.

use std::f64::consts::PI;

use crate::{Error, Fields};

/// How frequencies are derived from the base.
#[derive(Clone, Debug, PartialEq)]
enum Scaling {
    Default,
    Linear { factor: f64 },
    Dynamic { factor: f64 },
    Yarn { factor: f64, beta_fast: f64, beta_slow: f64, truncate: bool },
    LongRope { short: Vec<f64>, long: Vec<f64> },
    Llama3 { factor: f64, low: f64, high: f64 },
}

/// The rotary embedding of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    theta: f64,
    /// Elements of a head that are turned, R, if it is even.
    rotary_dim: usize,
    max_positions: usize,
    original_positions: usize,
    scaling: Scaling,
    /// Factor on cos and sin.
    pub attention_factor: f32,
}

/// Where a family keeps its rotary parameters outside of `rope_parameters`, and what it takes where they are missing.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// The base's field and value.
    pub theta: (&'static str, f64),
    /// The field and value of the share of a head that is turned.
    pub partial: (&'static str, f64),
    /// The length that long contexts are stretched from, if it is not [`Frequencies::read`]'s `max_positions`.
    pub original: Option<usize>,
    /// What the kind `yarn` means.
    pub yarn: &'static str,
}

impl Default for Habits {
    fn default() -> Self {
        Self { theta: ("rope_theta", 10_000.0), partial: ("partial_rotary_factor", 1.0), original: None, yarn: "yarn" }
    }
}

/// The object of rotary parameters: `rope_scaling` (4.x), else `rope_parameters` (5.x).
///
/// # Errors
/// It is there and no object.
pub fn parameters<'a>(config: &Fields<'a>) -> Result<Option<Fields<'a>>, Error> {
    Ok(config.object("rope_scaling")?.or(config.object("rope_parameters")?))
}

impl Frequencies {
    /// Reads `rope_theta` and `rope_scaling` (4.x) or `rope_parameters` (5.x).
    ///
    /// # Errors
    /// A field is missing or wrong, or the kind is unknown.
    pub fn read(config: &Fields<'_>, head_dim: usize, max_positions: usize) -> Result<Self, Error> {
        Self::read_as(config, parameters(config)?, Habits::default(), head_dim, max_positions)
    }

    /// As [`Frequencies::read`], with the parameters at hand and a family's habits.
    ///
    /// # Errors
    /// A field is missing or wrong, or the kind is unknown.
    pub fn read_as(
        config: &Fields<'_>,
        parameters: Option<Fields<'_>>,
        habits: Habits,
        head_dim: usize,
        max_positions: usize,
    ) -> Result<Self, Error> {
        let inner = |field: &str| parameters.map(|p| p.number(field)).transpose().map(Option::flatten);
        let number = |field: &str, outer: &str| inner(field)?.map_or_else(|| config.number(outer), |n| Ok(Some(n)));
        let theta = number("rope_theta", habits.theta.0)?.unwrap_or(habits.theta.1);
        if theta <= 0.0 {
            return Err(config.fail(habits.theta.0, "must be positive"));
        }
        let partial = number("partial_rotary_factor", habits.partial.0)?.unwrap_or(habits.partial.1);
        if !(0.0..=1.0).contains(&partial) {
            return Err(config.fail(habits.partial.0, format!("is {partial}, expected a share from 0 to 1")));
        }
        // What stands beside the parameters wins.
        let original = match config.number("original_max_position_embeddings")? {
            None if habits.original.is_some() => habits.original.map(|n| n as f64),
            None => inner("original_max_position_embeddings")?,
            given => given,
        };
        let original_positions = match original {
            Some(n) if n >= 1.0 => n as usize,
            Some(_) => return Err(config.fail("original_max_position_embeddings", "must be positive")),
            None => max_positions,
        };
        let mut this = Self {
            theta,
            rotary_dim: ((head_dim as f64 * partial) as usize).max(1),
            max_positions,
            original_positions,
            scaling: Scaling::Default,
            attention_factor: 1.0,
        };
        if let Some(parameters) = parameters {
            this.read_scaling(&parameters, habits)?;
        }
        Ok(this)
    }

    fn read_scaling(&mut self, p: &Fields<'_>, habits: Habits) -> Result<(), Error> {
        let kind = p.text("rope_type")?.or(p.text("type")?).unwrap_or("default");
        let kind = if kind == "yarn" { habits.yarn } else { kind };
        let given = |field: &str| p.number(field)?.filter(|f| *f > 0.0).ok_or_else(|| p.fail(field, "is missing"));
        let factor = || given("factor");
        self.scaling = match kind {
            "default" | "mrope" => Scaling::Default,
            "linear" => Scaling::Linear { factor: factor()? },
            "dynamic" => Scaling::Dynamic { factor: factor()? },
            "llama3" => {
                Scaling::Llama3 { factor: factor()?, low: given("low_freq_factor")?, high: given("high_freq_factor")? }
            }
            "yarn" => {
                let factor = self.yarn_factor(p)?;
                self.attention_factor = yarn_attention(p, factor)? as f32;
                Scaling::Yarn {
                    factor,
                    beta_fast: p.number_or("beta_fast", 32.0)?,
                    beta_slow: p.number_or("beta_slow", 1.0)?,
                    truncate: p.flag("truncate", true)?,
                }
            }
            "longrope" | "su" => {
                let half = self.half();
                self.attention_factor = self.longrope_attention(p)? as f32;
                Scaling::LongRope { short: p.numbers("short_factor", half)?, long: p.numbers("long_factor", half)? }
            }
            other => return Err(p.fail("rope_type", format!("is {other}, which is unknown"))),
        };
        Ok(())
    }

    fn yarn_factor(&self, p: &Fields<'_>) -> Result<f64, Error> {
        match p.number("factor")? {
            Some(factor) if factor > 0.0 => Ok(factor),
            Some(_) => Err(p.fail("factor", "must be positive")),
            None => Ok(self.max_positions as f64 / self.original_positions as f64),
        }
    }

    fn longrope_attention(&self, p: &Fields<'_>) -> Result<f64, Error> {
        if let Some(given) = p.number("attention_factor")? {
            return Ok(given);
        }
        let grown = self.max_positions as f64 / self.original_positions as f64;
        let factor = p.number_or("factor", grown)?;
        if factor <= 1.0 {
            return Ok(1.0);
        }
        Ok((1.0 + factor.ln() / (self.original_positions as f64).ln()).sqrt())
    }

    /// Whether the frequencies change with the length of the sequence.
    pub fn depends_on_length(&self) -> bool {
        matches!(self.scaling, Scaling::Dynamic { .. } | Scaling::LongRope { .. })
    }

    /// The length past which LongRoPE takes its other factors.
    pub fn longrope_past(&self) -> Option<usize> {
        matches!(self.scaling, Scaling::LongRope { .. }).then_some(self.original_positions)
    }

    /// Pairs that are turned, R/2; of an odd share the last pair has its second element from what is left.
    pub fn half(&self) -> usize {
        self.rotary_dim.div_ceil(2)
    }

    /// The angle per position of each pair, in radians, for a sequence of `seq_len` tokens: [R/2].
    pub fn inv_freq(&self, seq_len: usize) -> Vec<f32> {
        self.exact(seq_len).into_iter().map(|f| f as f32).collect()
    }

    fn exact(&self, seq_len: usize) -> Vec<f64> {
        match &self.scaling {
            Scaling::Default => self.base(self.theta),
            Scaling::Linear { factor } => self.base(self.theta).into_iter().map(|f| f / factor).collect(),
            Scaling::Dynamic { factor } => {
                let (max, dim) = (self.max_positions as f64, self.rotary_dim as f64);
                let len = (seq_len as f64).max(max);
                let grown = (factor * len / max - (factor - 1.0)).powf(dim / (dim - 2.0));
                self.base(self.theta * grown)
            }
            Scaling::Yarn { factor, beta_fast, beta_slow, truncate } => {
                self.yarn(*factor, *beta_fast, *beta_slow, *truncate)
            }
            Scaling::LongRope { short, long } => {
                let factors = if seq_len > self.original_positions { long } else { short };
                self.base(self.theta).into_iter().zip(factors).map(|(f, factor)| f / factor).collect()
            }
            Scaling::Llama3 { factor, low, high } => self.llama3(*factor, *low, *high),
        }
    }

    fn base(&self, theta: f64) -> Vec<f64> {
        (0..self.half()).map(|i| theta.powf(-2.0 * i as f64 / self.rotary_dim as f64)).collect()
    }

    /// The pair that turns `rotations` times over the original context.
    fn correction_dim(&self, rotations: f64) -> f64 {
        let dim = self.rotary_dim as f64;
        dim * (self.original_positions as f64 / (rotations * 2.0 * PI)).ln() / (2.0 * self.theta.ln())
    }

    fn yarn(&self, factor: f64, beta_fast: f64, beta_slow: f64, truncate: bool) -> Vec<f64> {
        let (mut low, mut high) = (self.correction_dim(beta_fast), self.correction_dim(beta_slow));
        if truncate {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(self.rotary_dim as f64 - 1.0));
        if low == high {
            high += 0.001;
        }
        let blend = |(i, f): (usize, f64)| {
            let ramp = ((i as f64 - low) / (high - low)).clamp(0.0, 1.0);
            f / factor * ramp + f * (1.0 - ramp)
        };
        self.base(self.theta).into_iter().enumerate().map(blend).collect()
    }

    fn llama3(&self, factor: f64, low: f64, high: f64) -> Vec<f64> {
        let original = self.original_positions as f64;
        let scale = |f: f64| {
            let wavelength = 2.0 * PI / f;
            if wavelength < original / high {
                f
            } else if wavelength > original / low {
                f / factor
            } else {
                let smooth = (original / wavelength - low) / (high - low);
                (1.0 - smooth) * f / factor + smooth * f
            }
        };
        self.base(self.theta).into_iter().map(scale).collect()
    }
}

fn yarn_attention(p: &Fields<'_>, factor: f64) -> Result<f64, Error> {
    if let Some(given) = p.number("attention_factor")? {
        return Ok(given);
    }
    let mscale = |scale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 };
    match (p.number("mscale")?, p.number("mscale_all_dim")?) {
        (Some(one), Some(all)) if one != 0.0 && all != 0.0 => Ok(mscale(one) / mscale(all)),
        _ => Ok(mscale(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<Frequencies, Error> {
        Frequencies::read(&Fields::new("config.json", &value)?, 8, 64)
    }

    #[test]
    fn both_config_forms_agree() {
        let old = read(json!({"rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 2.0}})).unwrap();
        let new =
            read(json!({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500.0}})).unwrap();
        assert_eq!(old, new);
        assert_eq!(old.inv_freq(4)[0], 0.5);
    }

    #[test]
    fn dynamic_grows_only_past_the_context() {
        let f = read(json!({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}})).unwrap();
        assert_eq!(f.inv_freq(10), f.inv_freq(64));
        assert!(f.inv_freq(128)[3] < f.inv_freq(64)[3]);
    }

    #[test]
    fn unknown_kinds_and_short_lists_are_named() {
        let kind = read(json!({"rope_scaling": {"rope_type": "spiral"}})).unwrap_err().to_string();
        assert!(kind.contains("spiral"), "{kind}");
        let list = json!({"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}});
        assert!(read(list).unwrap_err().to_string().contains("short_factor"));
    }
}
