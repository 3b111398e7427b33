"""Import paths of kafka-python 2.1 to 2.3.

Imported by: applications.  Imports: oauth.
"""
