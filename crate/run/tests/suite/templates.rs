//! Chat templates against the reference library's text, and templates that ask for too much.

use crate::shared::{data, fixture, text};
use dynasty_run::{ChatTemplate, Conversation, Error};
use serde_json::{Map, Value, json};
use std::time::Instant;

/// The local time that every test gives: 2024-07-26 13:20:00.
const NOW: i64 = 1_722_000_000;

/// Renders a case of the fixtures.
fn render(case: &Value) -> Result<String, Error> {
    let token = |name: &str| (name.to_string(), case[name].as_str().unwrap_or_default().to_string());
    let conversation = Conversation {
        messages: &case["messages"],
        tools: Some(&case["tools"]).filter(|tools| !tools.is_null()),
        add_generation_prompt: case["add_generation_prompt"].as_bool().unwrap_or(false),
        special_tokens: &[token("bos_token"), token("eos_token")],
        more: Map::new(),
        now: NOW,
    };
    ChatTemplate::new("chat_template.jinja", case["template"].as_str().unwrap())?.render(&conversation)
}

/// Renders a template for one short message.
fn render_text(template: &str) -> Result<String, Error> {
    render(&json!({"template": template, "messages": [{"role": "user", "content": "你好"}], "bos_token": "<s>"}))
}

/// What is written differently: the case, the reference's words, ours, and why.
const KNOWN: [(&str, &str, &str, &str); 4] = [
    ("expressions_rare", "(1, 2)", "[1, 2]", "the engine has no tuples"),
    ("expressions_rare", "aaa None", "aaa False", "the engine folds `and` of two constants to a truth value"),
    ("filters_rare", "('a', 2), ('b', 1)", "['a', 2], ['b', 1]", "the engine has no tuples"),
    ("filters_rare", "[('b', 1)]", "[['b', 1]]", "the engine has no tuples"),
];

/// The reference's text with what we are known to write differently.
fn as_ours(name: &str, wanted: &str) -> String {
    let known = KNOWN.iter().filter(|(case, ..)| *case == name);
    known.fold(wanted.to_string(), |text, (_, theirs, ours, _)| text.replace(theirs, ours))
}

#[test]
fn every_case_renders_as_the_reference_does() {
    let mut names: Vec<_> =
        std::fs::read_dir(fixture("templates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 25, "{}", names.len());
    let mut wrong = Vec::new();
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        let case: Value = serde_json::from_str(&text(&path)).unwrap();
        let found = render(&case);
        let fits = match (&case["expected"], &found) {
            (Value::String(wanted), Ok(found)) => as_ours(&name, wanted) == *found,
            (Value::Null, Err(Error::Raised { message })) => case["error"].as_str() == Some(message),
            (Value::Null, Err(_)) => !name.contains("raise") && !name.contains("gemma") && !name.contains("mistral"),
            _ => false,
        };
        if !fits {
            wrong.push(format!("{name}:\n  found  {found:?}\n  wanted {} {}", case["expected"], case["error"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_published_template_with_tools_and_thinking() {
    let Some(folder) = data("tokenizers/minimind") else { return };
    let config = text(folder.join("tokenizer_config.json"));
    let template = ChatTemplate::from_files(None, Some(&config)).unwrap().unwrap();
    let messages = json!([
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "你好"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHi"}, {"role": "user", "content": "again"},
    ]);
    let mut conversation = Conversation {
        messages: &messages,
        tools: None,
        add_generation_prompt: true,
        special_tokens: &[],
        more: Map::new(),
        now: NOW,
    };
    let wanted = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n\
                  </think>\n\nHi<|im_end|>\n<|im_start|>user\nagain<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
    assert_eq!(template.render(&conversation).unwrap(), wanted);
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    conversation.tools = Some(&tools);
    let shown = template.render(&conversation).unwrap();
    assert!(shown.contains(r#"{"type": "function", "function": {"name": "f", "parameters": {}}}"#), "{shown}");
}

#[test]
fn python_says_what_operators_do() {
    let cases = [
        (
            "{% set n = 7 %}{{ -n // 2 }} {{ n // -2 }} {{ -n % 3 }} {{ n % -3 }} {{ n / 2 }} {{ (n + 1) / 2 }}",
            "-4 -4 2 -2 3.5 4.0",
        ),
        ("{{ 'ab' * 2 }}{{ 2 * 'c' }}{{ [1] * 2 }}", "ababcc[1, 1]"),
        ("{% set l = [1, 2] + [3] %}{{ l }}{{ l[::-1] }}{{ 'héllo'[1:3] }}{{ 'abc'[-1] }}", "[1, 2, 3][3, 2, 1]élc"),
        ("{{ true ~ none ~ 1.0 ~ [1, bos_token] }}", "TrueNone1.0[1, '<s>']"),
        ("{{ '%s is %d' % ('x', 3) }}", "x is 3"),
        ("{{ [{'a': none}] }}", "[{'a': None}]"),
        ("{{ '你好吗'.find('吗') }} {{ 'a.b.c'.rsplit('.', 1) }} {{ ' a  b '.split() }}", "2 ['a.b', 'c'] ['a', 'b']"),
        ("{{ ['a', 'b'] | join(', ') }} {{ 'x' in ['x'] }} {{ 'y' not in 'xyz' }}", "a, b True False"),
        ("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"),
        ("{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3"),
        (
            "{% for i in range(4) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "02",
        ),
        ("{% macro f(x) %}{% for c in x %}[{{ c }}]{% endfor %}{% endmacro %}{{ f('ab') ~ f('c') }}", "[a][b][c]"),
        ("{{ {'b': 1, 'a': '</x>'} | tojson }}", "{\"b\": 1, \"a\": \"</x>\"}"),
        ("{{ undefined_name }}|{{ messages[0].none_such }}|{{ undefined_name is defined }}", "||False"),
    ];
    for (template, wanted) in cases {
        assert_eq!(render_text(template).unwrap(), wanted, "{template}");
    }
}

#[test]
fn templates_that_ask_for_too_much_are_stopped() {
    let doubling = |start: &str, step: &str| {
        format!(
            "{{% set ns = namespace(s={start}) %}}{{% for i in range(99) %}}{{% set ns.s = {step} %}}{{% endfor %}}"
        )
    };
    let many = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(40_000), close.repeat(40_000));
    let cases = [
        ("nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}".to_string()),
        ("recursive macro", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".into()),
        ("loop writing much", format!("{{% for a in range(99999) %}}{}{{% endfor %}}", "x".repeat(100_000))),
        ("doubling with ~", doubling("'x'", "ns.s ~ ns.s")),
        ("doubling with +", doubling("'x'", "ns.s + ns.s")),
        ("doubling lists", doubling("[1]", "ns.s + ns.s")),
        ("doubling nested lists", doubling("[1]", "[ns.s, ns.s]")),
        ("doubling maps", doubling("{}", "{'a': ns.s, 'b': ns.s}")),
        ("doubling by tojson", doubling("'\"'", "ns.s | tojson")),
        ("doubling by replace", doubling("'x'", "ns.s | replace('x', 'xx')")),
        ("doubling by the method", doubling("'x'", "ns.s.replace('x', 'xx')")),
        ("doubling by join", doubling("'x'", "[ns.s, ns.s] | join")),
        ("doubling by format", doubling("'x'", "'%s%s' | format(ns.s, ns.s)")),
        ("doubling by str.format", doubling("'x'", "'{}{}'.format(ns.s, ns.s)")),
        ("doubling by capture", "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set t %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = t %}{% endfor %}".into()),
        ("huge text", "{{ 'x' * 100000000 }}".into()),
        ("huge constants", "{{ 'x' * 10000 * 10000 }}".into()),
        ("huge list", "{{ ([1] * 1000000000) | join }}".into()),
        ("huge width", "{{ '%999999999d' | format(1) }}".into()),
        ("huge str.format", "{{ '{:>999999999}'.format('x') }}".into()),
        ("huge indent", "{{ 'a' | indent(999999999) }}".into()),
        ("a namespace in itself", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}".into()),
        ("deep list", "{% set ns = namespace(a=[]) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}".into()),
        ("deep blocks", many("{% if 1 %}", "", "{% endif %}")),
        ("many branches", format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(50_000))),
        ("deep brackets", format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000))),
        ("many signs", format!("{{{{ {}1 }}}}", "not ".repeat(50_000))),
        ("many sums", format!("{{{{ 1{} }}}}", " + 1".repeat(50_000))),
        ("many conditions", format!("{{{{ {} 1 }}}}", "1 if 1 else ".repeat(50_000))),
        ("too long", "x".repeat(2 << 20)),
        ("another template", "{% include 'x' %}".into()),
        ("division by zero", "{{ 1 // 0 }}".into()),
        ("range", "{{ range(99999999999) | list }}".into()),
    ];
    for (name, template) in cases {
        let start = Instant::now();
        let error = render_text(&template).map(|text| text.len()).expect_err(name).to_string();
        assert!(!error.contains('\n') && error.len() < 700, "{name}: {error}");
        println!("{name}: {error} ({:?})", start.elapsed());
    }
}

#[test]
fn sources_are_tried_in_order() {
    let config = r#"{"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]}"#;
    let messages = json!([{"role": "user", "content": "x"}]);
    let tools = json!([]);
    let render = |jinja, config, tools| {
        let template = ChatTemplate::from_files(jinja, config).unwrap()?;
        let conversation = Conversation {
            messages: &messages,
            tools,
            add_generation_prompt: false,
            special_tokens: &[],
            more: Map::new(),
            now: NOW,
        };
        Some(template.render(&conversation).unwrap())
    };
    assert_eq!(render(None, Some(config), None).as_deref(), Some("D"));
    assert_eq!(render(None, Some(config), Some(&tools)).as_deref(), Some("T"));
    assert_eq!(render(Some("J"), Some(config), None).as_deref(), Some("J"));
    assert_eq!(render(None, Some("{}"), None), None);
    let without_default = r#"{"chat_template": [{"name": "rag", "template": "R"}]}"#;
    let error = ChatTemplate::from_files(None, Some(without_default)).unwrap_err().to_string();
    assert_eq!(error, "tokenizer_config.json: several chat templates, and none of them is named default");
    assert_eq!(render(None, None, None), None);
    assert!(ChatTemplate::from_files(None, Some("{")).is_err());
    assert!(ChatTemplate::from_files(Some("{% if %}"), None).is_err());
}

#[test]
fn messages_have_to_be_messages() {
    for messages in [json!([]), json!({}), json!("x"), json!([1]), json!([[{}]]), json!(null)] {
        let case = json!({"template": "{{ messages }}", "messages": messages});
        let error = render(&case).unwrap_err().to_string();
        assert!(error.starts_with("messages: "), "{error}");
    }
    let raised = render_text("{{ raise_exception('no\nway') }}").unwrap_err();
    assert_eq!((raised.code(), raised.to_string().as_str()), ("raised", "no\\nway"));
}

/// A folder with the given files, and what its template makes of a message with and without tools.
#[test]
fn templates_are_found_in_each_of_their_files() {
    let texts = |files: &[(&str, &str)]| {
        let mut folder = format::MemoryFolder::new("folder");
        files.iter().for_each(|(name, text)| folder.insert(*name, text.as_bytes().to_vec()));
        let source = dynasty_run::Source::Folder(std::rc::Rc::new(folder));
        let chat = pollster::block_on(async { dynasty_run::Files::open(source).await?.chat().await })?;
        let messages = json!([{"role": "user", "content": "x"}]);
        let text = |tools| chat.as_ref().map(|chat| chat.render(&messages, tools, false).unwrap());
        Ok::<_, Error>((text(None), text(Some(&json!([])))))
    };
    let both = |plain: &str, tools: &str| (Some(plain.to_string()), Some(tools.to_string()));
    let jinja = ("chat_template.jinja", "J{{ bos_token }}");
    let tool_use = ("additional_chat_templates/tool_use.jinja", "T");
    let json = ("chat_template.json", r#"{"chat_template": "P"}"#);
    let config = ("tokenizer_config.json", r#"{"chat_template": "C", "bos_token": {"content": "<s>"}}"#);
    assert_eq!(texts(&[jinja, tool_use, json, config]).unwrap(), both("J<s>", "T"));
    assert_eq!(texts(&[json, config]).unwrap(), both("C", "C"));
    assert_eq!(texts(&[json]).unwrap(), both("P", "P"));
    assert_eq!(texts(&[json, tool_use]).unwrap(), both("P", "T"));
    assert_eq!(texts(&[tool_use]).unwrap(), (None, None));
    let cases = [
        (("chat_template.jinja", "{% if %}"), "chat_template.jinja: chat template: line 1"),
        (("chat_template.json", "{"), "chat_template.json: EOF"),
        (("tokenizer_config.json", r#"{"chat_template": "{{"}"#), "tokenizer_config.json: chat template: line 1"),
        (("tokenizer_config.json", "[]"), "tokenizer_config.json: not a JSON object"),
    ];
    for (file, wanted) in cases {
        let error = texts(&[file]).unwrap_err().to_string();
        assert!(error.starts_with(wanted) && !error.contains('\n'), "{error}");
    }
    let error = texts(&[jinja, (tool_use.0, "{% for %}")]).unwrap_err().to_string();
    assert!(error.starts_with("additional_chat_templates/tool_use.jinja: chat template: line 1"), "{error}");
}
