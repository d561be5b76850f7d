//! From a template's text to instructions, and running them.
//!
//! minijinja's own operators may make a value twice as large with each instruction, so counting instructions does not
//! bound memory. Once a template is compiled, those operators are exchanged for calls of ours, whose names no template
//! can write because they begin with a space. This needs the engine's unstable interface, hence its pinned version.

use super::budget::{Budget, refuse};
use super::{clock, filters, methods, operators, python};
use crate::Error;
use minijinja::machinery::{
    CodeGenerator, Instruction, Instructions, Token, Vm, WhitespaceConfig, make_string_output, parse, tokenize,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest template, in bytes; published ones have up to 30,000.
const LONGEST: usize = 1 << 20;
/// How many instructions one rendering may run.
const FUEL: u64 = 4_000_000;
/// The most `elif`, and the most operators in one tag: each is a level of the parser's recursion.
const MOST_LEVELS: usize = 400;
/// The largest product of the numbers in a tag that multiplies: constants are multiplied before anything runs.
const LARGEST_PRODUCT: u128 = 10_000_000;

/// How jinja2 is set up by the reference library.
fn whitespace() -> WhitespaceConfig {
    WhitespaceConfig { keep_trailing_newline: false, lstrip_blocks: true, trim_blocks: true }
}

/// Checks that a text is a template.
pub(super) fn check(file: &str, source: &str) -> Result<(), Error> {
    let source = without_generation_tags(source);
    match compile(&source) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::template(file, describe(&error))),
    }
}

/// Runs a template.
pub(super) fn render(source: &str, context: Value, now: i64, budget: &Arc<Budget>) -> Result<String, minijinja::Error> {
    let source = without_generation_tags(source);
    let (instructions, blocks) = compile(&source)?;
    let environment = environment(now, budget);
    let mut text = String::new();
    let mut output = make_string_output(&mut text);
    Vm::new(&environment).eval(&instructions, context, &blocks, &mut output, AutoEscape::None)?;
    drop(output);
    Ok(text)
}

/// One line about what went wrong.
pub(super) fn describe(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    match error.detail() {
        Some(detail) => format!("chat template: {line}{detail}"),
        None => format!("chat template: {line}{}", error.kind()),
    }
}

/// The engine with our filters, methods and functions.
fn environment<'s>(now: i64, budget: &Arc<Budget>) -> Environment<'s> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(200);
    environment.remove_global("debug");
    let shared = budget.clone();
    environment.set_formatter(move |output, _, value| {
        let text = python::text(value, &shared)?;
        Ok(output.write_str(&text)?)
    });
    let shared = budget.clone();
    environment.add_function("raise_exception", move |message: Value| -> Result<Value, minijinja::Error> {
        Err(shared.raise(python::text(&message, &shared)?))
    });
    environment.add_function("strftime_now", move |format: &str| clock::format(now, format));
    operators::add(&mut environment, budget);
    filters::add(&mut environment, budget);
    methods::add(&mut environment, budget);
    environment
}

type Program<'s> = (Instructions<'s>, BTreeMap<&'s str, Instructions<'s>>);

/// Parses a template and exchanges the operators.
fn compile(source: &str) -> Result<Program<'_>, minijinja::Error> {
    check_levels(source)?;
    let tree = parse(source, "chat", SyntaxConfig, whitespace())?;
    let mut generator = CodeGenerator::new("chat", source);
    generator.compile_stmt(&tree);
    let (instructions, blocks) = generator.finish();
    let blocks = blocks.into_iter().map(|(name, block)| Ok((name, exchange(block)?)));
    Ok((exchange(instructions)?, blocks.collect::<Result<_, minijinja::Error>>()?))
}

/// Refuses what would take the parser too deep, or make large constants.
fn check_levels(source: &str) -> Result<(), minijinja::Error> {
    if source.len() > LONGEST {
        return Err(refuse(format!("longer than {LONGEST} bytes")));
    }
    let (mut branches, mut operators, mut product, mut multiplies) = (0, 0, 1u128, false);
    for token in tokenize(source, false, SyntaxConfig, whitespace()) {
        match token?.0 {
            Token::BlockStart | Token::VariableStart => (operators, product, multiplies) = (0, 1, false),
            Token::Int(number) => product = product.saturating_mul(u128::from(number.max(1))),
            Token::Int128(number) => product = product.saturating_mul(*number),
            Token::Mul | Token::Pow => (operators, multiplies) = (operators + 1, true),
            Token::Ident("elif") => branches += 1,
            Token::Ident("not" | "and" | "or" | "if" | "is" | "in") => operators += 1,
            Token::Plus
            | Token::Minus
            | Token::Div
            | Token::FloorDiv
            | Token::Mod
            | Token::Dot
            | Token::Tilde
            | Token::Pipe
            | Token::Eq
            | Token::Ne
            | Token::Gt
            | Token::Gte
            | Token::Lt
            | Token::Lte
            | Token::BracketOpen
            | Token::ParenOpen => {
                operators += 1;
            }
            _ => {}
        }
        if branches > MOST_LEVELS || operators > MOST_LEVELS {
            return Err(refuse("the template is too complex"));
        }
        if multiplies && product > LARGEST_PRODUCT {
            return Err(refuse("the template multiplies by too much"));
        }
    }
    Ok(())
}

/// The template with `{% generation %}` blocks, which only mark text for training, as blocks that do nothing.
fn without_generation_tags(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        text.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let inner = tag[2..end].trim_end_matches("%}").trim_matches(['-', '+']).trim();
        match inner {
            "generation" => text.push_str(&tag[..end].replace("generation", "with")),
            "endgeneration" => text.push_str(&tag[..end].replace("endgeneration", "endwith")),
            _ => text.push_str(&tag[..end]),
        }
        rest = &tag[end..];
    }
    text + rest
}

/// What an instruction becomes.
enum Exchange<'s> {
    /// One instruction.
    One(Instruction<'s>),
    /// Text is written by way of the formatter, which counts it.
    Write(&'s str),
    /// A value is checked before a namespace takes it.
    Assign(&'s str),
}

/// Exchanges the operators of one program for ours, and moves the targets of jumps along.
fn exchange(mut old: Instructions<'_>) -> Result<Instructions<'_>, minijinja::Error> {
    let mut new = Instructions::new(old.name(), old.source());
    let mut moved = Vec::with_capacity(old.len() + 1);
    for at in 0..old.len() as u32 {
        let line = old.get_line(at).unwrap_or_default() as u16;
        let Some(slot) = old.get_mut(at) else { break };
        moved.push(new.len() as u32);
        let mut add = |instruction| new.add_with_line(instruction, line);
        match ours(std::mem::replace(slot, Instruction::PopFrame))? {
            Exchange::One(instruction) => add(instruction),
            Exchange::Write(text) => {
                add(Instruction::LoadConst(Value::from(text)));
                add(Instruction::Emit)
            }
            Exchange::Assign(name) => {
                add(Instruction::Swap);
                add(Instruction::CallFunction(operators::ASSIGN, Some(1)));
                add(Instruction::Swap);
                add(Instruction::SetAttr(name))
            }
        };
    }
    moved.push(new.len() as u32);
    for at in 0..new.len() as u32 {
        if let Some(target) = new.get_mut(at).and_then(target) {
            *target = moved.get(*target as usize).copied().unwrap_or(*target);
        }
    }
    Ok(new)
}

/// Our form of an instruction.
fn ours(instruction: Instruction<'_>) -> Result<Exchange<'_>, minijinja::Error> {
    let count = |count: usize| u16::try_from(count).map_err(|_| refuse("a list is too long"));
    Ok(Exchange::One(match instruction {
        Instruction::EmitRaw(text) => return Ok(Exchange::Write(text)),
        Instruction::SetAttr(name) => return Ok(Exchange::Assign(name)),
        Instruction::Add => Instruction::CallFunction(operators::ADD, Some(2)),
        Instruction::Mul => Instruction::CallFunction(operators::MULTIPLY, Some(2)),
        Instruction::Div => Instruction::CallFunction(operators::DIVIDE, Some(2)),
        Instruction::IntDiv => Instruction::CallFunction(operators::FLOOR_DIVIDE, Some(2)),
        Instruction::Rem => Instruction::CallFunction(operators::REMAINDER, Some(2)),
        Instruction::StringConcat => Instruction::CallFunction(operators::CONCAT, Some(2)),
        Instruction::Slice => Instruction::CallFunction(operators::SLICE, Some(4)),
        Instruction::Eq => Instruction::CallFunction(operators::EQUAL, Some(2)),
        Instruction::Ne => Instruction::CallFunction(operators::UNEQUAL, Some(2)),
        Instruction::In => Instruction::CallFunction(operators::IN, Some(2)),
        Instruction::BuildList(Some(n)) => Instruction::CallFunction(operators::LIST, Some(count(n)?)),
        Instruction::BuildMap(n) => Instruction::CallFunction(operators::MAP, Some(count(n.saturating_mul(2))?)),
        Instruction::Include(_) | Instruction::LoadBlocks => return Err(refuse("a chat template cannot load others")),
        other => other,
    }))
}

/// The instruction that a jump leads to.
fn target<'i>(instruction: &'i mut Instruction<'_>) -> Option<&'i mut u32> {
    match instruction {
        Instruction::Iterate(target)
        | Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::BuildMacro(_, target, _) => Some(target),
        _ => None,
    }
}
