//! How an answer is drawn: the page's wishes over the model's own settings.

use run::{GenerateOptions, GenerationConfig, SamplerConfig};

use crate::error::Failure;
use crate::protocol::{ErrorCode, Sampling};

impl Sampling {
    /// What is not said is the model's own.
    ///
    /// # Errors
    /// A key of `logit_bias` is no token id.
    pub fn over(self, own: &GenerationConfig) -> Result<GenerateOptions, Failure> {
        let base = own.sampler();
        let sampler = SamplerConfig {
            temperature: self.temperature.unwrap_or(base.temperature),
            top_k: self.top_k.unwrap_or(base.top_k),
            top_p: self.top_p.unwrap_or(base.top_p),
            min_p: self.min_p.unwrap_or(base.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(base.repetition_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(base.presence_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(base.frequency_penalty),
            logit_bias: self.logit_bias.unwrap_or_default().into_iter().map(bias).collect::<Result<_, _>>()?,
            seed: self.seed.map(u64::from),
        };
        Ok(GenerateOptions {
            max_tokens: self.max_tokens.map(|n| n as usize),
            sampler,
            stop: self.stop.unwrap_or_default(),
            eos: own.eos.clone(),
            ..GenerateOptions::default()
        })
    }
}

fn bias((id, value): (String, f32)) -> Result<(u32, f32), Failure> {
    match id.parse() {
        Ok(id) => Ok((id, value)),
        Err(_) => Err(Failure::new(ErrorCode::Argument, format!("logit_bias: {id:?} is no token id"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_comes_first() {
        let own =
            GenerationConfig { eos: vec![2], do_sample: Some(true), top_k: Some(7), ..GenerationConfig::default() };
        let asked = Sampling { temperature: Some(0.5), max_tokens: Some(3), ..Sampling::default() };
        let options = asked.over(&own).unwrap();
        assert_eq!((options.sampler.temperature, options.sampler.top_k), (0.5, 7));
        assert_eq!((options.max_tokens, options.eos), (Some(3), vec![2]));
    }

    #[test]
    fn a_bias_needs_a_token() {
        let bad = Sampling { logit_bias: Some([("x".to_string(), 1.0)].into()), ..Sampling::default() };
        assert_eq!(bad.over(&GenerationConfig::default()).unwrap_err().code, ErrorCode::Argument);
    }
}
