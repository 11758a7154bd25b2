use super::{EmptyKind, TemplateError, empty, render, table};

#[test]
fn functions_do_what_the_manual_says() {
    table(&[
        (
            "{{json inputs.a}}{{json inputs.nil}}{{json inputs.grid}}",
            "\"x\"null[[1,2],[3]]",
        ),
        ("{{default inputs.gone \"none\"}}", "none"),
        ("{{default inputs.blank 'it\\'s'}}", "it's"),
        ("{{default inputs.gone inputs.nil inputs.n}}", "3"),
        (
            "{{default inputs.no \"other\"}}{{default inputs.zero \"other\"}}",
            "false0",
        ),
        ("{{default inputs.gone inputs.grid}}", "[[1,2],[3]]"),
        ("{{default inputs.gone inputs.nil}}", ""),
        ("{{default inputs.gone \"{{secret\"}}", "{{secret"),
        (
            "{{quote inputs.a}} {{quote \"it's $HOME\"}}",
            "'x' 'it'\\''s $HOME'",
        ),
        (
            "{{upper \"straße\"}}{{lower \"ÄÖ\"}}{{upper inputs.yes}}",
            "STRASSEäöTRUE",
        ),
        ("[{{trim \"  a b \\n\"}}]", "[a b]"),
        (
            "{{truncate \"aäb\" 2}}{{truncate \"🦀🦀🦀\" 1}}{{truncate \"ab\" \"9\"}}",
            "aä🦀ab",
        ),
        ("{{truncate \"ab\" 0}}", ""),
        (
            "{{{upper (truncate (default inputs.gone \"hello\") 2)}}}",
            "HE",
        ),
        ("{{upper inputs.with}}", ""),
        ("{{ upper\ninputs.a }}", "X"),
        (
            "{{default inputs.gone true}}{{default inputs.gone -1.50}}",
            "true-1.5",
        ),
        (
            "{{#each inputs.list}}{{upper (default this.name this)}} {{/each}}",
            "ONE TWO ",
        ),
    ]);
}

#[test]
fn wrong_arguments_are_an_error_that_names_the_tag() {
    for template in [
        "a {{truncate inputs.a}}",
        "a {{truncate inputs.a -1}}",
        "a {{truncate inputs.a inputs.a}}",
        "a {{default inputs.a}}",
        "a {{upper inputs.a inputs.n}}",
        "a {{#if (json)}}{{/if}}",
    ] {
        let error = render(template).expect_err(template);
        assert!(
            matches!(&error, TemplateError::Arguments { offset: 2, .. }),
            "{error:?}"
        );
    }
    let message = render("a {{truncate inputs.a}}")
        .expect_err("no number")
        .to_string();
    assert_eq!(
        message,
        "failed to call `truncate` in `{{truncate inputs.a}}`: it takes a value and a number of \
         characters"
    );
}

#[test]
fn a_missing_argument_is_reported_unless_there_is_a_default() {
    for (template, expected) in [
        (
            "{{upper inputs.lst}}",
            Some(("inputs.lst", EmptyKind::Missing)),
        ),
        (
            "{{quote inputs.nil}}",
            Some(("inputs.nil", EmptyKind::Null)),
        ),
        ("{{json inputs.nil}}", None),
        (
            "{{json inputs.lst}}",
            Some(("inputs.lst", EmptyKind::Missing)),
        ),
        ("{{default inputs.lst \"\"}}", None),
        ("{{default (upper inputs.lst) \"\"}}", None),
        ("{{upper (default inputs.lst inputs.nil)}}", None),
        ("{{#if (upper inputs.lst)}}{{/if}}", None),
    ] {
        let rendered = render(template).expect(template);
        let reported = empty(&rendered);
        let reported = reported.first().map(|(path, _, kind)| (*path, *kind));
        assert_eq!(reported, expected, "{template}");
    }
}
