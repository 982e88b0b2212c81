"""Pages: a plan, a drift, a comparison, or what an apply did, each as one HTML document that needs nothing else.

Takes a `PlanFile` or a `ReportFile`; gives one string. Readable without a network, without the script, on paper, on a
phone and by a screen reader. What stands in the account or in the files is text there, whatever it is.
"""

from reconciler.render.html.plan_page import comparison_html, drift_html, plan_html
from reconciler.render.html.report_page import report_html

__all__ = ["comparison_html", "drift_html", "plan_html", "report_html"]
