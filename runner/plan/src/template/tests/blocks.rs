use super::{EmptyKind, Engine, TemplateError, UnknownRoot, empty, render, table, verbatim};

#[test]
fn if_and_unless_choose() {
    table(&[
        ("{{#if inputs.a}}1{{else}}2{{/if}}", "1"),
        ("{{#if inputs.gone}}1{{else}}2{{/if}}", "2"),
        ("{{#if inputs.gone}}1{{^}}2{{/if}}", "2"),
        ("{{#if inputs.list.foo}}1{{else}}2{{/if}}", "2"),
        ("{{#if inputs.a-b}}1{{/if}}", "1"),
        ("{{#unless inputs.none}}1{{/unless}}", "1"),
        (
            "{{#if inputs.no}}1{{else if inputs.zero}}2{{else if inputs.a}}3{{else}}4{{/if}}",
            "3",
        ),
        ("{{#if inputs.no}}1{{^ if inputs.a}}2{{/if}}", "2"),
        (
            "{{#if inputs.zero}}1{{/if}}{{#if inputs.zero includeZero=true}}2{{/if}}",
            "2",
        ),
        ("{{#if (default inputs.gone inputs.a)}}1{{/if}}", "1"),
        ("{{# if inputs.a }}1{{/ if }}", "1"),
        (
            "{{#if inputs.falseText}}the text \"false\" is true{{/if}}",
            "the text \"false\" is true",
        ),
        ("{{#if this}}1{{else}}2{{/if}}", "2"),
    ]);
}

#[test]
fn each_and_with_set_the_current_value() {
    table(&[
        (
            "{{#each inputs.list}}{{@index}}{{@first}}{{@last}}:{{this}};{{/each}}",
            "0truefalse:one;1falsetrue:{\"name\":\"two\",\"inputs\":{\"a\":\"inner\"}};",
        ),
        (
            "{{#each inputs.map}}{{@key}}={{this}} {{/each}}",
            "k1=1 k2={\"x\":\"deep\"} ",
        ),
        ("{{#each inputs.none}}1{{else}}none{{/each}}", "none"),
        ("{{#each inputs.gone}}1{{else}}none{{/each}}", "none"),
        ("{{#each inputs.a}}1{{else}}none{{/each}}", "none"),
        (
            "{{#with inputs.map}}{{k1}}{{this.k2.x}}{{./k1}}{{/with}}",
            "1deep1",
        ),
        ("{{#with inputs.gone}}1{{else}}{{inputs.a}}{{/with}}", "x"),
        (
            "{{#each inputs.grid}}{{#each this}}{{.}},{{/each}};{{/each}}",
            "1,2,;3,;",
        ),
        (
            "{{#each (default inputs.gone inputs.grid)}}{{this}}{{#each this}}{{this}}{{../this}}{{/each}}{{/each}}",
            "[1,2]1[1,2]2[1,2][3]3[3]",
        ),
        (
            "{{#if inputs.no}}{{else each inputs.list}}{{@index}}{{else}}{{this}}{{/if}}",
            "01",
        ),
    ]);
}

#[test]
fn a_bare_path_is_of_the_current_value_first_and_of_the_roots_then() {
    table(&[
        (
            "{{#each inputs.list}}{{name}}/{{inputs.a}} {{/each}}",
            "/x two/inner ",
        ),
        (
            "{{#each inputs.list}}{{#if inputs.yes}}{{@index}}{{/if}}{{/each}}",
            "0",
        ),
        (
            "{{#each inputs.list}}{{../inputs.a}}{{../artifacts.statusPath}}{{/each}}",
            "x/sx/s",
        ),
        (
            "{{#with inputs}}{{#each map}}{{../a}}{{../../artifacts.statusPath}}{{/each}}{{/with}}",
            "x/sx/s",
        ),
        (
            "{{#with inputs}}{{#each map}}{{#if ../no}}1{{else}}{{../n}}{{/if}}{{/each}}{{/with}}",
            "33",
        ),
        (
            "{{#with inputs.map}}{{../../inputs.a}}{{@root.inputs.a}}{{@../index}}{{/with}}",
            "",
        ),
        ("{{#with inputs.map}}{{..}}{{../this}}{{ }}{{/with}}", ""),
    ]);
}

#[test]
fn a_block_tag_alone_on_its_line_takes_the_line() {
    table(&[
        ("a\n{{#if inputs.a}}\nyes\n{{/if}}\nb\n", "a\nyes\nb\n"),
        (
            "a\r\n  {{#if inputs.no}}  \r\nno\r\n\t{{else}}\r\nyes\r\n{{/if}}\r\nb",
            "a\r\nyes\r\nb",
        ),
        ("{{#if inputs.a}}\nyes\n{{/if}}", "yes\n"),
        ("a {{#if inputs.a}}\nyes\n{{/if}} b", "a \nyes\n b"),
        ("{{#if inputs.a}}\n{{/if}}\n\n{{inputs.a}}\n", "\nx\n"),
    ]);
}

#[test]
fn a_tag_in_a_loop_is_reported_once_and_arguments_of_blocks_are_not() {
    let rendered = render("{{#each inputs.list}}{{this.gone}}{{/each}}{{#if inputs.gone}}{{/if}}")
        .expect("well formed");
    assert_eq!(empty(&rendered), [("this.gone", 21, EmptyKind::Missing)]);
    let rendered = render("{{#with inputs}}{{this.map.k3}}{{inputs.lst}}{{/with}}").expect("too");
    let nearest: Vec<_> = rendered
        .empty
        .iter()
        .map(|tag| tag.nearest.as_deref())
        .collect();
    assert_eq!(nearest, [Some("map.k1"), Some("inputs.list")]);
}

#[test]
fn this_is_never_somebody_elses_syntax() {
    let rendered = verbatim("{{#with inputs}}{{this.gone}}{{../gone}}{{gone}}{{/with}}");
    assert_eq!(rendered.text, "{{gone}}");
    assert_eq!(rendered.empty.len(), 2);
}

#[test]
fn exploding_loops_are_refused() {
    let list: Vec<usize> = (0..100).collect();
    let roots = serde_json::json!({"l": list, "long": "x".repeat(1 << 20)});
    let render = |template: &str| Engine::new().render(template, &roots, UnknownRoot::Empty);
    let nested = format!("{}.{}", "{{#each l}}".repeat(10), "{{/each}}".repeat(10));
    assert!(matches!(
        render(&nested),
        Err(TemplateError::TooManySteps { .. })
    ));
    let long = "{{#each l}}{{long}}{{/each}}";
    assert!(matches!(render(long), Err(TemplateError::TooLong { .. })));
    assert!(matches!(
        render(&"{{long}}".repeat(17)),
        Err(TemplateError::TooLong { .. })
    ));
    let prompt = Engine::new()
        .render(&nested, &roots, UnknownRoot::Verbatim)
        .expect("a stranger cannot fail a prompt");
    assert_eq!(prompt.text, nested);
}
