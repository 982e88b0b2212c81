"""HTML pages of plans, drift, comparisons, and reports, each one file that loads nothing.

Takes documents; returns one string each. Pages are readable offline, without scripts, on paper, on a phone, and with a
screen reader. Texts of the account and of the configuration are always escaped.
"""

from reconciler.render.html.plan_page import comparison_html, drift_html, plan_html
from reconciler.render.html.report_page import report_html

__all__ = ["comparison_html", "drift_html", "plan_html", "report_html"]
