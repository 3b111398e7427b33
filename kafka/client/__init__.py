"""The network: connections to brokers, what they speak, and when metadata is asked for.

Imported by: producer.sender, producer.assembly.  Imports: layers 0 and 1.  Everything here runs on the I/O thread
(or, before that exists, in the constructor's), except KafkaClient.wake().
"""
