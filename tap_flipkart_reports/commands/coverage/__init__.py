"""What there is of each seller's reports, what needs a person, and what it cost: from what is kept, without a call."""
