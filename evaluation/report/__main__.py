"""Run `python -m evaluation.report`."""

import sys

from evaluation.report.readme import main

sys.exit(main())
