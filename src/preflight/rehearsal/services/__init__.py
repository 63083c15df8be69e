"""Services of the pretended account that moto lacks or answers too kindly."""
