"""Downloaded bytes to typed columns; knows neither the API nor Singer."""
