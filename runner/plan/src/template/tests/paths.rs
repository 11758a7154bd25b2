use serde_json::json;

use super::{EmptyKind, Engine, UnknownRoot, empty, render, table, text, verbatim};

#[test]
fn odd_tags_are_paths_or_text_as_in_the_incumbent() {
    table(&[
        ("{{a}b}}", "{{a}b}}"),
        ("{{}}", "{{}}"),
        ("{{{}}}", "}"),
        ("{{{{inputs.a}}}}", "}}"),
        ("{{{inputs.a}}", ""),
        ("{{{ inputs.a }}}", "x"),
        ("{{a}{{inputs.a}}", "{{ax".replace("{{a", "{{a}").as_str()),
        ("{{inputs.with space}}|{{inputs.a-b}}", "sp|dash"),
        ("{{ .inputs..a. }}", "x"),
        ("{{.}}{{ . }}{{..}}", ""),
        ("{{inputs.list.0}}{{inputs.list.length}}", ""),
        ("{{inputs.constructor}}{{constructor}}{{__proto__}}", ""),
        ("{{this}}{{this.inputs}}{{@index}}{{../inputs.a}}", ""),
        ("{{inputs.a~}}{{~inputs.a}}{{inputs/a}}{{[inputs]}}", ""),
        ("{{json}}{{ upper }}{{lookup inputs.a}}", ""),
        ("$& $1 {{inputs.a}}", "$& $1 x"),
        ("{{else.x}}{{elsewhere}}", ""),
    ]);
}

#[test]
fn values_are_inserted_as_they_are() {
    let expected = "{{secret}}{{#if secret}}{{secret}}{{/if}}";
    assert_eq!(text("{{inputs.tag}}"), expected);
    assert_eq!(text("{{#if inputs.yes}}{{inputs.tag}}{{/if}}"), expected);
    assert_eq!(text("{{default inputs.tag \"\"}}"), expected);
}

#[test]
fn literal_text_is_never_handlebars_syntax() {
    table(&[
        (
            "\\{{inputs.a}} {{#if inputs.yes}}\\{{inputs.a}}\\\\{{inputs.a}}{{/if}}",
            "\\x \\x\\\\x",
        ),
        (
            "{{#if inputs.yes}}{{{{raw}} }}{{!{{}}{{a}b}}{{/if}}",
            " }}{{a}b}}",
        ),
        (
            "{{#if inputs.yes}}{{{inputs.a}}}{{inputs.with space}}{{/if}}",
            "xsp",
        ),
        ("{{#if inputs.yes}}{{! note }}{{> partial}}{{/if}}", ""),
    ]);
}

#[test]
fn missing_and_null_are_reported_with_their_place() {
    let rendered = render("a {{inputs.gone}} {{inputs.nil}}{{inputs.blank}}{{! note }}{{ }}")
        .expect("paths only");
    assert_eq!(rendered.text, "a  ");
    assert_eq!(
        empty(&rendered),
        [
            ("inputs.gone", 2, EmptyKind::Missing),
            ("inputs.nil", 18, EmptyKind::Null),
            ("", 59, EmptyKind::Missing),
        ]
    );
}

#[test]
fn a_near_miss_names_the_whole_path() {
    let roots = json!({"inputs": {"repository": 1, "branch": {"name": 2}, "x": 3}, "run": {}});
    for (template, nearest) in [
        ("{{inputs.repositry}}", Some("inputs.repository")),
        ("{{inputs.Repository}}", Some("inputs.repository")),
        ("{{input.branch.name}}", Some("inputs.branch.name")),
        ("{{inputs.brnach.name}}", Some("inputs.branch.name")),
        ("{{input.gone}}", Some("inputs")),
        ("{{inputs.branch.nmae}}", Some("inputs.branch.name")),
        ("{{inputs.y}}", None),
        ("{{inputs.x.y}}", None),
        ("{{something.else}}", None),
    ] {
        let rendered = Engine::new()
            .render(template, &roots, UnknownRoot::Empty)
            .expect(template);
        assert_eq!(rendered.empty[0].nearest.as_deref(), nearest, "{template}");
    }
}

#[test]
fn a_foreign_tag_survives_in_a_prompt() {
    let rendered = verbatim("${{ github.sha }} {{{x}}} {{ }} {{inputs.a}} {{inputs.gone}}");
    assert_eq!(rendered.text, "${{ github.sha }} {{{x}}} {{ }} x ");
    assert_eq!(empty(&rendered), [("inputs.gone", 45, EmptyKind::Missing)]);
    let rendered = verbatim("{{#if inputs.yes}}${{ github.sha }}{{/if}}");
    assert_eq!(rendered.text, "${{ github.sha }}");
}

#[test]
fn roots_that_are_no_object_have_no_names() {
    let rendered = Engine::new()
        .render("{{a}}{{#if a}}{{/if}}", &json!([1]), UnknownRoot::Empty)
        .expect("still a template");
    assert_eq!(rendered.text, "");
}
