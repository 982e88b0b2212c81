"""Plans and reports as people and programs read them: one walk (`view`), one layout and one escape per medium.

Takes `PlanFile` and `ReportFile`, which hold no secrets; gives text. Does no I/O (`progress` writes to the streams that
it is handed), asks nobody, and never decides anything: what is shown is what the plan says.
"""
