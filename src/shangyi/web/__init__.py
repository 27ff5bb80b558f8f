"""The console: server-rendered pages in zh-CN and English, composed from a small set of components.

In: an ``access.Access`` and requests with a session cookie. Out: HTML that is complete without script; htmx
swaps parts of it, ECharts draws charts whose table is always on the page.
"""
