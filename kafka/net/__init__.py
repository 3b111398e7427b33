"""Import paths of kafka-python 3.x.

Imported by: applications.  Imports: oauth.
"""
