//! Vocabularies that are published alone, against the reference library's own reading of the same folders.

use crate::tokenizers::check_folder;

macro_rules! folders {
    ($($name:ident)*) => { $(#[test] fn $name() { check_folder(stringify!($name)); })* };
}

folders! {
    bert_uncased bert_cased bert_accents mpnet_files
    roberta_files bart_files neox_files qwen2_files clip_files
    t5_spiece albert_spiece albert_accents xlmr_spm mbart_spm mbart50_spm unigram_spm
    llama_spm llama_first_spm llama_legacy_spm mistral_spm gemma_spm
    marian
    bert_gguf unigram_gguf llama_gguf
}
