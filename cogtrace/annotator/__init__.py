"""Finding elements in traces: sentences, cues, and the batch job."""
