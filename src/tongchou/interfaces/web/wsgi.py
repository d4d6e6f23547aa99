"""The pages and the programming interface, for granian or any other WSGI server."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")
app = get_wsgi_application()
# What is loaded now stays for ever. Left in the collector's sight it is walked again and again while an activation makes its rows.
gc.collect()
gc.freeze()
