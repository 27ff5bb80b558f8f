"""Imported by the process that workers are forked from: what they need, made once and shared by all."""

import gc

from shangyi.store.load import prepare

prepare.warm()
gc.freeze()
