"""PixelRNN: Row LSTM and Diagonal BiLSTM."""
