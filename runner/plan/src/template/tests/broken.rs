use super::{EmptyKind, empty, render, table, text, verbatim};

#[test]
fn broken_blocks_are_paths_and_their_text_stays() {
    table(&[
        ("{{#if inputs.a}}yes", "yes"),
        ("yes{{/if}}", "yes"),
        ("{{else}}yes{{^}}", "yes"),
        ("{{#foo}}yes{{/foo}}", "yes"),
        ("{{#if inputs.a}}yes{{/each}}", "yes"),
        ("{{#if inputs.a}}1{{else}}2{{else}}3{{/if}}", "123"),
        ("{{#if}}yes{{/if}}", "yes"),
        ("{{#if inputs.a inputs.n}}yes{{/if}}", "yes"),
        ("{{#if inputs.a x=1}}yes{{/if}}", "yes"),
        ("{{#each inputs.list as |item|}}{{inputs.a}}{{/each}}", "x"),
        ("{{#if (foo inputs.a)}}yes{{/if}}", "yes"),
        ("{{#if (upper inputs.a}}yes{{/if}}", "yes"),
        ("{{#if 'a}}yes{{/if}}", "yes"),
        ("{{^inputs.a}}yes{{/inputs.a}}", "yes"),
        ("{{#*inline \"x\"}}yes{{/inline}}{{#> p}}{{/p}}", "yes"),
        ("{{trim it's}}|{{upper inputs.a}}", "|"),
        ("a\n{{#if inputs.a}}\nb\n", "a\n\nb\n"),
    ]);
}

#[test]
fn broken_blocks_are_reported() {
    let rendered = render("{{#if inputs.a}}{{inputs.gone}}{{upper inputs.a}}").expect("lenient");
    assert_eq!(
        empty(&rendered),
        [
            ("#if inputs.a", 0, EmptyKind::BrokenBlock),
            ("inputs.gone", 16, EmptyKind::Missing),
            ("upper inputs.a", 31, EmptyKind::BrokenBlock),
        ]
    );
}

#[test]
fn broken_blocks_survive_in_a_prompt() {
    let template = "{{#if inputs.a}} {{truncate x}} {{else}} {{inputs.a}}";
    let rendered = verbatim(template);
    assert_eq!(rendered.text, template.replace("{{inputs.a}}", "x"));
    assert_eq!(rendered.empty.len(), 3);
}

#[test]
fn wrong_arguments_in_a_prompt_are_a_broken_block() {
    let rendered = verbatim("{{truncate x}} {{inputs.a}}");
    assert_eq!(rendered.text, "{{truncate x}} x");
    assert_eq!(
        empty(&rendered),
        [("truncate x", 0, EmptyKind::BrokenBlock)]
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| {
        format!(
            "{}{{{{inputs.a}}}}{}",
            "{{#if inputs.a}}".repeat(depth),
            "{{/if}}".repeat(depth)
        )
    };
    for (depth, broken) in [(64, false), (65, true), (100_000, true)] {
        let rendered = render(&nested(depth)).expect("never an error");
        assert_eq!(rendered.text, "x");
        assert_eq!(!rendered.empty.is_empty(), broken, "{depth}");
    }
    let chain = format!(
        "{{{{#if inputs.no}}}}{}{{{{/if}}}}",
        "{{else if inputs.no}}".repeat(100_000)
    );
    assert_eq!(text(&chain), "");
    let calls = format!("{{{{upper {}}}}}", "(upper ".repeat(100_000));
    assert_eq!(text(&calls), "");
    assert_eq!(
        text(&format!("{{{{json {}}}}}", "[".repeat(100_000))),
        "null"
    );
}

#[test]
fn large_templates_take_linear_time() {
    // Quadratic scanning of any of these is 10^12 steps, and the test would not end.
    let size = 1_000_000;
    assert_eq!(text(&"{".repeat(size)).len(), size);
    assert_eq!(text(&"{{a}".repeat(size)).len(), 4 * size);
    assert_eq!(text(&"{{".repeat(size)).len(), 2 * size);
    assert_eq!(text(&"}".repeat(size)).len(), size);
    assert_eq!(text(&format!("{}}}}}", "{{".repeat(size))), "");
    assert_eq!(
        text(&"{{#if inputs.no}}{{/if}} ".repeat(50_000)).len(),
        50_000
    );
}
