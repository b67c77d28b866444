if GENERALISTS:

    rule generalist:
        input:
            runs=rules.gather.output[0],
        output:
            comparisons=in_report(
                "<results>/tables/generalist/comparisons.csv",
                "Several sources",
                "every comparison",
                caption="generalist",
            ),
            claims=table(
                "tables/generalist/claims", "Claims", "claims on sources of several", caption="generalist"
            ),
            specialists=several(table, "specialists", "1 beside specialists"),
            new=several(table, "new-survey", "2 new survey, no label"),
            adapted=several(table, "adapted", "3 new survey, few labels"),
            kept=several(table, "kept", "4 surveys of the source"),
        params:
            sources=EXPERIMENT.sources,
            methods=METHODS,
        script:
            "../scripts/generalist.py"

    rule specialist_figure:
        """
        Balanced accuracy on each survey of a model that was trained on it alone (specialist) and of models of several
        surveys, it being one of them: means over splits, the bars their sample standard deviation.
        """
        input:
            compared=rules.generalist.output.comparisons,
        output:
            several(figure, "specialists", "1 beside specialists", caption="caption"),
        params:
            function="figures.generalist_figures:specialist_figure",
        script:
            "../scripts/draw.py"

    rule new_survey_figure:
        """
        Balanced accuracy without adaptation on a survey that is none of the source's: of models of several surveys, and of
        the best of these surveys alone, which nobody could choose without labels; means over splits, the bars their sample
        standard deviation.
        """
        input:
            compared=rules.generalist.output.comparisons,
        output:
            several(figure, "new-survey", "2 new survey, no label", caption="caption"),
        params:
            function="figures.generalist_figures:new_survey_figure",
        script:
            "../scripts/draw.py"

    rule adapted_figure:
        """
        Balanced accuracy on a survey that is none of the source's after adaptation with a number of labelled stamps per
        class: from several surveys (circles, drawn through) and from the best of these surveys alone (squares, dashed),
        which nobody could choose without labels; means over splits, the bars their sample standard deviation.
        """
        input:
            compared=rules.generalist.output.comparisons,
        output:
            several(figure, "adapted", "3 new survey, few labels", caption="caption"),
        params:
            function="figures.generalist_figures:adapted_figure",
            methods=METHODS,
        script:
            "../scripts/draw.py"

    rule kept_surveys_figure:
        """
        Change of balanced accuracy by adaptation on each survey of the source but the target, by number of labelled stamps
        of the target per class: mean over splits of the adapted model less the source's baseline. Below the dashed line the
        model has become worse.
        """
        input:
            compared=rules.generalist.output.comparisons,
        output:
            several(figure, "kept", "4 surveys of the source", caption="caption"),
        params:
            function="figures.generalist_figures:kept_figure",
            methods=METHODS,
        script:
            "../scripts/draw.py"
